import type { ConfiguredSetting, Settings } from '../evidence/evidence.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { defineRule, type Occasion } from './rule.ts';
import { counted } from './wording.ts';

/** Fewer TIME-WAITs than any kernel chooses by itself; somebody meant to get rid of them. */
const FEW_TIME_WAITS = 1000;

/** Settings that do not do what they are set for: gone from the kernel, without effect there, or harmful. */
export const obsoleteSysctl = defineRule({
  id: 'obsolete-sysctl',
  needs: ['settings'],
  uses: [],
  find({ settings }, occasion) {
    const findings: Finding[] = [];
    if (number(settings.values['net.ipv4.tcp_tw_recycle'] ?? '') > 0) {
      findings.push(recycling(linesOf(settings, 'net.ipv4.tcp_tw_recycle')));
    }
    const idle = CLAIMS.flatMap((claim) => {
      const why = claim.why(settings, occasion);
      const lines = why === null ? [] : linesOf(settings, claim.key).filter(claim.isMeant);
      return lines.map((line) => ({ line, why }));
    });
    if (idle.length > 0) findings.push(useless(idle));
    return findings;
  },
});

/** A setting that people make, and why it is no use on this kernel; null when it may be. */
interface Claim {
  readonly key: string;
  readonly isMeant: (line: ConfiguredSetting) => boolean;
  readonly why: (settings: Settings, occasion: Occasion) => string | null;
}

const isOn = ({ value }: ConfiguredSetting): boolean => number(value) > 0;

const CLAIMS: readonly Claim[] = [
  {
    // Commit 4396e46187ca "tcp: remove tcp_tw_recycle", Linux 4.12.
    key: 'net.ipv4.tcp_tw_recycle',
    isMeant: isOn,
    why: ({ values }, { kernel }) =>
      values['net.ipv4.tcp_tw_recycle'] === undefined && isAtLeast(kernel, 4, 12)
        ? 'was removed in Linux 4.12: TIME-WAIT lasts 60 s, whatever is set'
        : null,
  },
  {
    // tcp_twsk_unique() of net/ipv4/tcp_ipv4.c asks for a time stamp of the peer.
    key: 'net.ipv4.tcp_tw_reuse',
    isMeant: isOn,
    why: ({ values }) =>
      number(values['net.ipv4.tcp_timestamps'] ?? '1') === 0
        ? 'does nothing while net.ipv4.tcp_timestamps is 0: only a TIME-WAIT with time stamps is reused'
        : null,
  },
  {
    key: 'net.ipv4.tcp_max_tw_buckets',
    isMeant: ({ value }) => number(value) < FEW_TIME_WAITS,
    why: () =>
      'does not shorten TIME-WAIT: connections beyond it are closed without one, and late segments meet the next connection of the same ports',
  },
  {
    // Documentation/networking/ip-sysctl.rst: "a legacy option, it has no effect anymore"; ignored since 4.15.
    key: 'net.ipv4.tcp_fack',
    isMeant: isOn,
    why: (_, { kernel }) => (isAtLeast(kernel, 4, 15) ? 'has no effect since Linux 4.15' : null),
  },
  {
    // The same; the prequeue, which it switched off, was removed in 4.14.
    key: 'net.ipv4.tcp_low_latency',
    isMeant: isOn,
    why: (_, { kernel }) => (isAtLeast(kernel, 4, 14) ? 'has no effect since Linux 4.14' : null),
  },
];

/** The lines that set a key, unless a later one takes it back: only the last one counts. */
function linesOf({ configured }: Settings, key: string): ConfiguredSetting[] {
  const lines = configured.filter((line) => line.key === key);
  const last = lines.at(-1);
  return lines.filter(({ value }) => value === last?.value);
}

function number(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** @param kernel `uname -r`: `5.15.0-91-generic`. A release that cannot be read is taken for an old one. */
function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [, ours, oursMinor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  if (ours === undefined) return false;
  return Number(ours) > major || (Number(ours) === major && Number(oursMinor) >= minor);
}

function recycling(lines: readonly ConfiguredSetting[]): Finding {
  const where = lines.map(({ file, line }) => `${file}:${line}`).join(', ');
  return {
    ...NO_SOCKETS,
    severity: 'critical',
    title:
      'net.ipv4.tcp_tw_recycle is on: clients behind one address (NAT, load balancers) cannot connect at random',
    why: `the kernel drops a SYN whose time stamp is older than the last one from the same address, and machines behind NAT have clocks of their own${where === '' ? '' : `; set in ${where}`}`,
    fix: {
      summary: 'switch it off and take it out of the configuration: no setting shortens TIME-WAIT',
      steps: [
        {
          language: 'host',
          text: 'sysctl -w net.ipv4.tcp_tw_recycle=0; for outgoing connections net.ipv4.tcp_tw_reuse=1 is safe',
        },
      ],
      docs: DOCS,
    },
  };
}

function useless(
  found: readonly { readonly line: ConfiguredSetting; readonly why: string | null }[],
): Finding {
  return {
    ...NO_SOCKETS,
    severity: 'warning',
    title: `${counted(found.length, 'sysctl line does', 'sysctl lines do')} not do what ${found.length === 1 ? 'it is' : 'they are'} set for`,
    why: found
      .map(
        ({ line: { file, line, key, value }, why }) => `${file}:${line}: ${key} = ${value} ${why}`,
      )
      .join('; '),
    fix: DELETE_FIX,
  };
}

const DOCS = 'docs/obsolete-sysctl.md';

export const DELETE_FIX: Fix = {
  summary:
    'delete the lines; many TIME-WAITs are no fault, and too few ports or connections that are not kept open have other cures',
  steps: [
    {
      language: 'host',
      text: 'delete the lines, then sysctl --system; sysctl -w net.ipv4.tcp_max_tw_buckets=262144 where it was lowered',
    },
  ],
  docs: DOCS,
};

const NO_SOCKETS = {
  rule: 'obsolete-sysctl',
  cause: null,
  sockets: 0,
  oldest: null,
  owners: [],
  peers: [],
  growth: null,
  forecast: null,
  rows: [],
} as const;
