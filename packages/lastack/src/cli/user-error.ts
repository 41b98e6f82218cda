/** Misuse or an obstacle: one line that says what failed, on what, and the remedy. Exit status 2. */
export class UserError extends Error {}
