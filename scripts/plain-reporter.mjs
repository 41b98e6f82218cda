/** Says why a test was skipped, and ends the run with one plain line of counts. */
export default class PlainReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      if (module.state() === 'failed' && module.children.size === 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        counts[state]++;
        if (state === 'skipped')
          console.log(`skipped: ${test.fullName}: ${note ?? 'no reason given'}`);
      }
    }
    counts.failed += unhandledErrors.length;
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}
