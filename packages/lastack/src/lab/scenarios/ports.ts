import { CLOSES_AFTER_PEER } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import { SPEAKS_AND_STAYS, SPEAKS_AND_LEAVES, STAYS } from './model-programs.ts';
import { client, server } from './parts.ts';

/** 64 ports in place of 28,232, so that they run out at once. */
const FEW_PORTS = { 'net.ipv4.ip_local_port_range': '40000 40063' };
/** On loopback the default, 2, reuses the ports of TIME-WAITs; towards other hosts it is as if it were 0. */
const NO_REUSE = { 'net.ipv4.tcp_tw_reuse': '0' };
const REUSE = { 'net.ipv4.tcp_tw_reuse': '1' };

const SHORT = { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER };

export const PORTS: readonly Scenario[] = [
  {
    id: 'ports-run-out',
    title: 'no ports left towards one destination',
    shows:
      'Each short connection leaves a TIME-WAIT, whose port cannot be used towards the same destination for a minute: connect(2) fails with EADDRNOTAVAIL.',
    lookAt: 'ss -tan state time-wait | wc -l, and sysctl net.ipv4.ip_local_port_range',
    programs: [server('echo.mjs'), client('short-connections.mjs', '100')],
    sysctls: { ...FEW_PORTS, ...NO_REUSE },
    expect: {
      model: SHORT,
      // The last one gets no port.
      states: { client: null },
      findings: [{ rule: 'port-exhaustion' }],
      says: [{ role: 'client', line: 'error EADDRNOTAVAIL' }],
    },
  },
  {
    id: 'ports-reused',
    title: 'the same with tcp_tw_reuse = 1',
    shows:
      'A new outgoing connection may take the port of a TIME-WAIT that is older than a second.',
    lookAt: 'ss -tan state time-wait | wc -l: no more than the ports',
    programs: [server('echo.mjs'), client('short-connections.mjs', '100', '1', '50')],
    sysctls: { ...FEW_PORTS, ...REUSE },
    expect: {
      model: SHORT,
      // A port that is used again ends the TIME-WAIT that had it.
      states: { client: null },
      findings: [],
      says: [{ role: 'client', line: 'answered 100' }],
    },
  },
  {
    id: 'ports-of-more-sources',
    title: 'the same from five source addresses',
    shows:
      'Ports are counted for each source, destination and destination port: another address has all of them again.',
    lookAt: 'ss -tan state time-wait: 20 of each source',
    programs: [server('echo.mjs'), client('short-connections.mjs', '100', '5')],
    sysctls: { ...FEW_PORTS, ...NO_REUSE },
    expect: { model: SHORT, findings: [], says: [{ role: 'client', line: 'answered 100' }] },
  },
  {
    id: 'ports-kept-alive',
    title: 'the same over one connection',
    shows: 'The best cure: 100 requests need one port.',
    lookAt: 'ss -tan: one connection',
    programs: [server('echo.mjs'), client('short-connections.mjs', '100', '--keep-alive')],
    sysctls: { ...FEW_PORTS, ...NO_REUSE },
    expect: {
      model: { client: SPEAKS_AND_STAYS, server: STAYS },
      findings: [],
      says: [{ role: 'client', line: 'answered 100' }],
    },
  },
  {
    id: 'time-wait-overflow',
    title: 'more TIME-WAITs than may be kept',
    shows:
      'Beyond tcp_max_tw_buckets the kernel forgets connections at once: late segments then meet the next connection of the same ports.',
    lookAt: 'nstat -az TcpExtTCPTimeWaitOverflow',
    programs: [server('echo.mjs'), client('short-connections.mjs', '60')],
    sysctls: { 'net.ipv4.tcp_max_tw_buckets': '20' },
    expect: {
      model: SHORT,
      // Some have a TIME-WAIT, the others have none.
      states: { client: null },
      findings: [{ rule: 'time-wait-overflow' }],
    },
  },
  {
    id: 'time-waits-in-plenty',
    title: 'the same with the ordinary limit',
    shows: 'TIME-WAITs cost some 300 bytes each, and go by themselves.',
    lookAt: 'ss -s',
    programs: [server('echo.mjs'), client('short-connections.mjs', '60')],
    sysctls: { 'net.ipv4.tcp_max_tw_buckets': '8192' },
    expect: { model: SHORT, findings: [], timeWait: { side: 'client', until: 'counting' } },
  },
];
