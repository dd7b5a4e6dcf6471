/** A message with which a server rejects a connection, and whether it rejects the login itself. */
export interface ServerMessage {
  readonly situation: string
  /** The message of the server, with `…` instead of names. */
  readonly message: string
  readonly sqlstate: string
  /** Whether the server rejects the user and password. Other messages concern the configuration, the server or the network. */
  readonly refusal: boolean
  /** Where the message is documented. */
  readonly source: string
}

/** The known messages of Redshift and related servers. */
export const serverMessages: readonly ServerMessage[] = [
  {
    situation: 'the password has expired',
    message: 'IAM Authentication token has expired',
    sqlstate: '28000',
    refusal: true,
    source: 'aws/amazon-redshift-jdbc-driver#97',
  },
  {
    situation: 'the password is wrong, was revoked, or is for another cluster; also, TLS is missing',
    message: 'password authentication failed for user "…"',
    sqlstate: '28000',
    refusal: true,
    source: 'aws/amazon-redshift-jdbc-driver#21',
  },
  {
    situation: 'the same, from Aurora DSQL or RDS Proxy. Redshift was never seen to send it',
    message: 'IAM authentication failed for user "…"',
    sqlstate: '28000',
    refusal: true,
    source: 'aws/aws-advanced-jdbc-wrapper',
  },
  {
    situation: 'a token has expired, was revoked, was used before, or is for another cluster',
    message: 'Token credentials expired or invalid',
    sqlstate: '28000',
    refusal: true,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'a token cannot be read, or is of another type',
    message: 'invalid token',
    sqlstate: '28000',
    refusal: true,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the type of identity provider is not known to this cluster',
    message: 'identity provider type "awsidc" is not supported',
    sqlstate: '0A000',
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'no identity provider is registered',
    message: 'AWS IdC identity provider does not exist',
    sqlstate: '28000',
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the token lacks the scope redshift:connect',
    message: "Invalid scope. User's credentials are not authorized to connect to Amazon Redshift",
    sqlstate: '28000',
    refusal: false,
    source: 'the integration tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'TLS is missing, or the address is not allowed',
    message: 'no pg_hba.conf entry for host "…", user "…", database "…", SSL off',
    sqlstate: '28000',
    refusal: false,
    source: 'brianc/node-postgres#1528',
  },
  {
    situation: 'the user does not exist',
    message: 'user "…" does not exist',
    sqlstate: '42704',
    refusal: false,
    source: 'aws/amazon-redshift-python-driver#255',
  },
  {
    situation: 'the database does not exist',
    message: 'database "…" does not exist',
    sqlstate: '3D000',
    refusal: false,
    source: 'the tests of aws/amazon-redshift-python-driver',
  },
  {
    situation: 'the user may not log in',
    message: 'role "…" is not permitted to log in',
    sqlstate: '28000',
    refusal: false,
    source: "PostgreSQL's postinit.c",
  },
  {
    situation: 'a start-up parameter is unknown',
    message: 'unrecognized configuration parameter "…"',
    sqlstate: '42704',
    refusal: false,
    source: 'sqlalchemy/sqlalchemy#9494',
  },
  {
    situation: 'a start-up parameter may not be set',
    message: 'permission denied to set parameter "…"',
    sqlstate: '42501',
    refusal: false,
    source: 'launchbadge/sqlx#801',
  },
  {
    situation: 'the start-up packet names no user',
    message: 'no PostgreSQL user name specified in startup packet',
    sqlstate: '28000',
    refusal: false,
    source: "PostgreSQL's postmaster.c",
  },
  {
    situation: 'too many connections',
    message: 'connection limit "500" exceeded for non-bootstrap users',
    sqlstate: '53300',
    refusal: false,
    source: 'brianc/node-postgres#1155, awslabs/aws-lambda-redshift-loader#180',
  },
  {
    situation: 'the server starts or stops',
    message: 'the database system is starting up',
    sqlstate: '57P03',
    refusal: false,
    source: "PostgreSQL's postmaster.c",
  },
]
