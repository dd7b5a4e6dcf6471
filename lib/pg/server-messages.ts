/** Messages that refuse the user and password, whatever their SQLSTATE is. */
export const REFUSALS: readonly RegExp[] = [
  /IAM Authentication token has expired/i,
  /password authentication failed/i,
  /IAM authentication failed/i,
  /Token credentials expired or invalid/i,
  /\binvalid token\b|TYPE_INVALID_TOKEN/i,
]

/** Messages about the set-up, the server or the network. Some have the SQLSTATE of a refusal. */
export const OTHERS: readonly RegExp[] = [
  /identity provider type ".*" is not supported/i,
  /identity provider does not exist/i,
  /Invalid scope/i,
  /no pg_hba\.conf entry|pg_hba\.conf rejects/i,
  /(user|role) ".*" does not exist/i,
  /database ".*" does not exist/i,
  /is not permitted to log in/i,
  /unrecognized configuration parameter/i,
  /permission denied to set parameter/i,
  /no PostgreSQL user name specified/i,
  /connection limit .* exceeded|too many connections|connection slots are reserved/i,
  /the database system is /i,
]

/** Redshift sends 28000, PostgreSQL 28P01. Unknown messages with these codes count as refusals, which cost at most one call to AWS. */
const REFUSAL_SQLSTATES: ReadonlySet<string> = new Set(['28000', '28P01'])

/** Whether this is an error from the server that refuses the user and password. */
export function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const sqlstate = 'code' in error ? error.code : undefined
  if (typeof sqlstate !== 'string' || !/^[0-9A-Z]{5}$/.test(sqlstate)) return false
  const matches = (pattern: RegExp): boolean => pattern.test(error.message)
  return REFUSALS.some(matches) || (REFUSAL_SQLSTATES.has(sqlstate) && !OTHERS.some(matches))
}
