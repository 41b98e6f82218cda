/** What helps against "permission denied": root may lack it as well. */
export function rootRemedy(): string {
  return process.geteuid?.() === 0
    ? 'run with all capabilities, outside of a container and of a user namespace'
    : 'run as root';
}
