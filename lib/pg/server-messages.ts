/** A message with which a server ends a login, and whether it refuses the login itself. */
export interface ServerMessage {
  readonly situation: string
  /** The message of the server, with `…` in place of names. */
  readonly message: string
  readonly sqlstate: string
  /** Matches the message. */
  readonly pattern: RegExp
  /** Whether the server refuses the user and password. Other messages are about the set-up, the server or the network. */
  readonly refusal: boolean
  /** Where the message is documented. */
  readonly source: string
}

/** Known messages; the first match applies. Other messages are refusals if their SQLSTATE is in `REFUSAL_SQLSTATES`. */
export const serverMessages: readonly ServerMessage[] = [
  {
    situation: 'the password has expired',
    message: 'IAM Authentication token has expired',
    sqlstate: '28000',
    pattern: /IAM Authentication token has expired/i,
    refusal: true,
    source: 'aws/amazon-redshift-jdbc-driver#97',
  },
  {
    situation: 'the password is wrong, was revoked, or is for another cluster; also, TLS is missing',
    message: 'password authentication failed for user "…"',
    sqlstate: '28000',
    pattern: /password authentication failed/i,
    refusal: true,
    source: 'aws/amazon-redshift-jdbc-driver#21',
  },
  {
    situation: 'the same, from Aurora DSQL or RDS Proxy. Redshift was never seen to send it',
    message: 'IAM authentication failed for user "…"',
    sqlstate: '28000',
    pattern: /IAM authentication failed/i,
    refusal: true,
    source: 'aws/aws-advanced-jdbc-wrapper',
  },
  {
    situation: 'a token has expired, was revoked, was used before, or is for another cluster',
    message: 'Token credentials expired or invalid',
    sqlstate: '28000',
    pattern: /Token credentials expired or invalid/i,
    refusal: true,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'a token cannot be read, or is of another type',
    message: 'invalid token',
    sqlstate: '28000',
    pattern: /\binvalid token\b|TYPE_INVALID_TOKEN/i,
    refusal: true,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the type of identity provider is not known to this cluster',
    message: 'identity provider type "awsidc" is not supported',
    sqlstate: '0A000',
    pattern: /identity provider type ".*" is not supported/i,
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'no identity provider is registered',
    message: 'AWS IdC identity provider does not exist',
    sqlstate: '28000',
    pattern: /identity provider does not exist/i,
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the token lacks the scope redshift:connect',
    message: "Invalid scope. User's credentials are not authorized to connect to Amazon Redshift",
    sqlstate: '28000',
    pattern: /Invalid scope/i,
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'TLS is missing, or the address is not allowed in',
    message: 'no pg_hba.conf entry for host "…", user "…", database "…", SSL off',
    sqlstate: '28000',
    pattern: /no pg_hba\.conf entry|pg_hba\.conf rejects/i,
    refusal: false,
    source: 'brianc/node-postgres#1528',
  },
  {
    situation: 'the user does not exist',
    message: 'user "…" does not exist',
    sqlstate: '42704',
    pattern: /(user|role) ".*" does not exist/i,
    refusal: false,
    source: 'aws/amazon-redshift-python-driver#255',
  },
  {
    situation: 'the database does not exist',
    message: 'database "…" does not exist',
    sqlstate: '3D000',
    pattern: /database ".*" does not exist/i,
    refusal: false,
    source: 'the tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the user may not log in',
    message: 'role "…" is not permitted to log in',
    sqlstate: '28000',
    pattern: /is not permitted to log in/i,
    refusal: false,
    source: "PostgreSQL's postinit.c",
  },
  {
    situation: 'a start-up parameter is unknown',
    message: 'unrecognized configuration parameter "…"',
    sqlstate: '42704',
    pattern: /unrecognized configuration parameter/i,
    refusal: false,
    source: 'sqlalchemy/sqlalchemy#9494',
  },
  {
    situation: 'a start-up parameter may not be set',
    message: 'permission denied to set parameter "…"',
    sqlstate: '42501',
    pattern: /permission denied to set parameter/i,
    refusal: false,
    source: 'launchbadge/sqlx#801',
  },
  {
    situation: 'the start-up packet names no user',
    message: 'no PostgreSQL user name specified in startup packet',
    sqlstate: '28000',
    pattern: /no PostgreSQL user name specified/i,
    refusal: false,
    source: "PostgreSQL's postmaster.c",
  },
  {
    situation: 'too many connections',
    message: 'connection limit "500" exceeded for non-bootstrap users',
    sqlstate: '53300',
    pattern: /connection limit .* exceeded|too many connections|connection slots are reserved/i,
    refusal: false,
    source: 'brianc/node-postgres#1155, awslabs/aws-lambda-redshift-loader#180',
  },
  {
    situation: 'the server starts or stops',
    message: 'the database system is starting up',
    sqlstate: '57P03',
    pattern: /the database system is /i,
    refusal: false,
    source: "PostgreSQL's postmaster.c",
  },
]

/** Redshift sends 28000, PostgreSQL 28P01. Unknown messages with these codes count as refusals, which cost one call of AWS at most. */
const REFUSAL_SQLSTATES: ReadonlySet<string> = new Set(['28000', '28P01'])

/** Whether this is an error from the server that refuses the user and password. */
export function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false
  const sqlstate = 'code' in error ? error.code : undefined
  if (typeof sqlstate !== 'string' || !/^[0-9A-Z]{5}$/.test(sqlstate)) return false
  const known = serverMessages.find(({ pattern }) => pattern.test(error.message))
  return known ? known.refusal : REFUSAL_SQLSTATES.has(sqlstate)
}
