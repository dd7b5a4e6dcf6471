import { NotAsked, type Question } from '../question.js'
import type { Session } from '../session.js'
import type { Handshake } from '../wire.js'

/** The server’s error, without the names of this login. */
export function outcome({ error }: Handshake, ...names: string[]): string {
  if (!error) return 'accepted'
  const message = names.reduce((text, name) => text.replaceAll(name, '…'), error.message)
  return `${error.sqlstate} ${message.replace(/for host "[^"]*"/, 'for host "…"')}`
}

const MADE_UP = 'a password that was never issued'

/** An existing database that the login is not valid for. */
async function otherDatabase(session: Session): Promise<string> {
  const { otherDatabase } = session.target
  if (otherDatabase === undefined) throw new NotAsked('no second database is given; set --other-db-name')
  return otherDatabase
}

const EMULATED_PARAMETERS = [
  'application_name',
  'case_sensitive',
  'client_encoding',
  'datestyle',
  'integer_datetimes',
  'is_superuser',
  'server_encoding',
  'server_version',
  'session_authorization',
  'TimeZone',
  'timezone_abbreviations',
  'padb_version',
  'padb_revision',
  'max_numeric_precision',
  'max_varchar_size',
  'datashare_enabled',
  'session_id',
  'server_protocol_version',
]

/** How the database server behaves. */
export const serverQuestions: readonly Question[] = [
  {
    id: 'authentication-code',
    asks: 'With which authentication code does the server request the password of an IAM login?',
    basis: 'open',
    source: 'The drivers handle 3, 5, 10, 13 and 14; none documents which one an IAM login gets.',
    rule: { text: 'The client supports 3, 5 and 13.', file: 'lib/pg/authentication.ts' },
    eitherWay: 'The client supports each of them, tested with the oldest and the newest pg.',
    change: 'the emulator’s default for `authentication`',
    expected: () => '3',
    ask: async session => (await session.logIn()).codes.join(', '),
  },
  {
    id: 'wrong-password',
    asks: 'How does the server reject a wrong password?',
    basis: 'transcripts',
    source: 'redshift-jdbc#21, with a password user',
    rule: { text: 'A refusal has the code 28000 or 28P01, and a known message.', file: 'lib/pg/server-messages.ts' },
    eitherWay: '28000 and 28P01 are handled in the same way.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      return outcome(await session.logIn({ user, password: MADE_UP }), user)
    },
  },
  {
    id: 'other-database',
    asks: 'How does the server reject a login for another database?',
    basis: 'open',
    source: 'AWS documents that the login is restricted to DbName, but not the error.',
    rule: {
      text: 'The message about a refused login names the database as a cause.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'The caller gets the server’s message in any case.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      return outcome(await session.logIn({ database: await otherDatabase(session) }), user)
    },
  },
  {
    id: 'missing-database',
    asks: 'How does the server reject a database that does not exist?',
    basis: 'documents',
    source: 'AWS’s Python driver tests for 3D000',
    rule: { text: 'A missing database is not a refusal of the login.', file: 'lib/pg/server-messages.ts' },
    eitherWay: 'A login for another database has another error. Neither makes the client fetch another login.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    expected: () => '3D000 database "…" does not exist',
    ask: async session => {
      const { user, password } = await session.fetchLogin({ database: null })
      const database = 'no_such_database_1'
      return outcome(await session.logIn({ user, password, database }), database)
    },
  },
  {
    id: 'without-tls',
    asks: 'How does the server reject a login without TLS?',
    basis: 'transcripts',
    source: 'node-postgres#1528, vscode-sqltools#547',
    rule: {
      text: '`no pg_hba.conf entry` is not a refusal of the login, and the error names TLS.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'The client refuses to log in without TLS before it connects, unless `requireTls` is false.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      const { database } = session.target
      // Never the real password, because it would cross the network unencrypted.
      return outcome(await session.logIn({ user, password: MADE_UP, tls: false }), user, database)
    },
  },
  {
    id: 'missing-user',
    asks: 'How does the server reject a database user that does not exist, without AutoCreate?',
    basis: 'transcripts',
    source: 'redshift-python#255',
    rule: {
      text: '42704 about a user is not a refusal of the login; the remedy is autoCreate.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'The message tells the two meanings of 42704 apart.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    only: 'provisioned',
    expected: () => '42704 user "…" does not exist',
    ask: async session => {
      const { user, password } = await session.fetchLogin({ dbUser: 'no_such_user_1' })
      return outcome(await session.logIn({ user, password }), user)
    },
  },
  {
    id: 'unknown-parameter',
    asks: 'How does the server reject an unknown start-up parameter?',
    basis: 'transcripts',
    source: 'sqlalchemy#9494, npgsql#210',
    rule: { text: '42704 about a parameter is not a missing user.', file: 'lib/pg/server-messages.ts' },
    eitherWay: 'The message tells the two meanings of 42704 apart.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    expected: () => '42704 unrecognized configuration parameter "no_such_parameter"',
    ask: async session => outcome(await session.logIn({ parameters: { no_such_parameter: '1' } })),
  },
  {
    id: 'driver-parameters',
    asks: 'Does the server accept the start-up parameters that AWS’s own drivers send?',
    basis: 'documents',
    source: 'redshift_connector 2.1.15 and the JDBC driver 2.2.6 always send them',
    rule: { text: 'The emulator accepts what Redshift accepts.', file: 'lib/emulator' },
    eitherWay: 'pg sends none of them.',
    change: 'the emulator’s list of parameters',
    expected: () => 'accepted',
    ask: async session =>
      outcome(
        await session.logIn({
          parameters: {
            application_name: 'acceptance',
            client_protocol_version: '2',
            driver_version: 'Redshift Python Driver 2.1.15',
            os_version: 'Linux',
          },
        }),
      ),
  },
  {
    id: 'reported-parameters',
    asks: 'Which parameters does the server report after the login, and in which order?',
    basis: 'transcripts',
    source: 'combined from four logs',
    rule: { text: 'The emulator reports the same with `redshiftDialect`.', file: 'lib/emulator' },
    eitherWay: 'The library reads none of them.',
    change: 'the emulator’s list of reported parameters',
    expected: () => EMULATED_PARAMETERS.join(', '),
    ask: async session => (await session.logIn()).parameters.map(([name]) => name).join(', '),
  },
  {
    id: 'server-version',
    asks: 'Which server_version does the server report?',
    basis: 'transcripts',
    source: 'combined from four logs',
    rule: { text: 'The guide to ORMs says which version to configure.', file: 'docs/orms.md' },
    eitherWay: 'The library does not read it.',
    change: 'the settings in docs/orms.md, and the emulator’s',
    expected: () => '8.0.2',
    ask: async session => new Map((await session.logIn()).parameters).get('server_version') ?? '(none)',
  },
  {
    id: 'certificate-names',
    asks: 'Which names does the server’s certificate have?',
    basis: 'transcripts',
    source: 'aws-lambda-redshift-loader#237',
    rule: {
      text: 'TLS is verified against the cluster’s own name, or the name that the client connects to.',
      file: 'lib/pg/server-name.ts',
    },
    eitherWay: 'One of the names is enough, and `ssl.checkServerIdentity` takes precedence.',
    change: 'the emulator’s certificate',
    expected: () => 'a wildcard for the host’s domain',
    ask: async session => {
      const { certificate } = await session.logIn()
      const { host } = session.target
      const names = (certificate?.subjectaltname ?? '').split(', ').map(name => name.replace(/^DNS:/, ''))
      if (names.includes(`*${host.slice(host.indexOf('.'))}`)) return 'a wildcard for the host’s domain'
      return names.includes(host) ? 'the host’s own name' : names.join(', ')
    },
  },
]
