/** The steps of `check` in their order, each with the exit code if it is the first to fail. */
export const STEP_EXIT_CODES = {
  target: 10,
  region: 11,
  credentials: 12,
  api: 13,
  clock: 14,
  network: 15,
  tls: 16,
  login: 17,
  session: 18,
  expiry: 19,
} as const

export type StepName = keyof typeof STEP_EXIT_CODES

/** The other exit codes. The last three are those of `env` and of shells. */
export const EXIT_CODES = { failure: 1, usage: 2, notRun: 125, notExecutable: 126, notFound: 127 } as const

/** The step of `check` in which an error of the library occurs. */
const STEP_OF_CODE: Readonly<Record<string, StepName>> = {
  ERR_REDSHIFT_TARGET: 'target',
  ERR_REDSHIFT_AWS_CREDENTIALS: 'credentials',
  ERR_REDSHIFT_ACCESS_DENIED: 'api',
  ERR_REDSHIFT_NOT_FOUND: 'api',
  ERR_REDSHIFT_UNSUPPORTED: 'api',
  ERR_REDSHIFT_THROTTLED: 'api',
  ERR_REDSHIFT_UNAVAILABLE: 'api',
  ERR_REDSHIFT_TIMEOUT: 'api',
  ERR_REDSHIFT_RESPONSE: 'api',
  ERR_REDSHIFT_TLS: 'tls',
  ERR_REDSHIFT_LOGIN_REJECTED: 'login',
}

/** The exit code for an error code of the library. */
export function exitCodeOf(code: string): number {
  const step = STEP_OF_CODE[code]
  if (step) return STEP_EXIT_CODES[step]
  return code === 'ERR_REDSHIFT_OPTION' ? EXIT_CODES.usage : EXIT_CODES.failure
}
