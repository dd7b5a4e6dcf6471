/** The baseline: a password that never changes. */
export const fixedPassword = (password: string) => async (): Promise<string> => password
