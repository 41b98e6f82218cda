import { expect, test } from 'vitest';
import { evidenceOf } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { obsoleteSysctl } from './obsolete-sysctl.ts';

interface Case {
  readonly kernel?: string;
  readonly lines?: readonly (readonly [key: string, value: string])[];
  readonly settings?: Readonly<Record<string, string>>;
}

function judge({ kernel = '6.18.0', lines = [], settings = {} }: Case) {
  const configured = lines.map(([key, value], at) => {
    return { file: '/etc/sysctl.conf', line: at + 1, key: `net.ipv4.${key}`, value };
  });
  return diagnose({ ...evidenceOf({ settings, configured }), kernel }, [obsoleteSysctl]).findings;
}

test('obsolete-sysctl names file and line of a setting that the kernel has no more', () => {
  const [finding] = judge({
    lines: [
      ['tcp_fin_timeout', '30'],
      ['tcp_tw_recycle', '1'],
    ],
  });
  expect(finding).toMatchObject({
    severity: 'warning',
    title: '1 sysctl line does not do what it is set for',
  });
  expect(finding.why).toBe(
    '/etc/sysctl.conf:2: net.ipv4.tcp_tw_recycle = 1 was removed in Linux 4.12: TIME-WAIT lasts 60 s, whatever is set',
  );
});

test('obsolete-sysctl is critical about tcp_tw_recycle on a kernel that still obeys', () => {
  const [finding, ...rest] = judge({
    kernel: '3.10.0-1160.el7.x86_64',
    lines: [['tcp_tw_recycle', '1']],
    settings: { 'net.ipv4.tcp_tw_recycle': '1' },
  });
  expect(rest).toEqual([]);
  expect(finding.severity).toBe('critical');
  expect(finding.why).toContain('set in /etc/sysctl.conf:1');
});

test.each([
  ['6.18.0', 'tcp_fack', 1],
  ['4.15.0-20-generic', 'tcp_fack', 1],
  ['4.14.0', 'tcp_fack', 0],
  ['4.14.0', 'tcp_low_latency', 1],
  ['4.9.0-19-amd64', 'tcp_low_latency', 0],
  ['custom', 'tcp_low_latency', 0],
])('obsolete-sysctl on Linux %s says %s with %i findings', (kernel, key, findings) => {
  expect(judge({ kernel, lines: [[key, '1']] }).length).toBe(findings);
});

test('obsolete-sysctl says that tcp_tw_reuse does nothing without time stamps', () => {
  const lines = [['tcp_tw_reuse', '1']] as const;
  expect(judge({ lines, settings: { 'net.ipv4.tcp_timestamps': '0' } }).length).toBe(1);
  expect(judge({ lines, settings: { 'net.ipv4.tcp_timestamps': '1' } })).toEqual([]);
});

test('obsolete-sysctl speaks of a limit on TIME-WAITs only if it is tiny', () => {
  expect(judge({ lines: [['tcp_max_tw_buckets', '999']] }).length).toBe(1);
  expect(judge({ lines: [['tcp_max_tw_buckets', '5000']] })).toEqual([]);
});

test('obsolete-sysctl is silent about what is switched off, there or by a later line', () => {
  expect(judge({ lines: [['tcp_tw_recycle', '0']] })).toEqual([]);
  expect(
    judge({
      lines: [
        ['tcp_tw_recycle', '1'],
        ['tcp_tw_recycle', '0'],
      ],
    }),
  ).toEqual([]);
});

test('obsolete-sysctl is silent about settings that do what they say', () => {
  expect(
    judge({
      lines: [
        ['tcp_fin_timeout', '15'],
        ['tcp_tw_reuse', '1'],
      ],
    }),
  ).toEqual([]);
});
