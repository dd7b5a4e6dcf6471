import { NotAsked, type Question } from '../question.js'
import type { Session } from '../session.js'
import type { Handshake } from '../wire.js'

/** The server’s words, with the names of this very login taken out. */
export function outcome({ error }: Handshake, ...names: string[]): string {
  if (!error) return 'accepted'
  const message = names.reduce((text, name) => text.replaceAll(name, '…'), error.message)
  return `${error.sqlstate} ${message.replace(/for host "[^"]*"/, 'for host "…"')}`
}

const MADE_UP = 'a password that was never issued'

/** A database that the login is not for, and that exists. */
async function otherDatabase(session: Session): Promise<string> {
  const { otherDatabase } = session.target
  if (otherDatabase === undefined) throw new NotAsked('no second database is named; set --other-db-name')
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

/** What the database's side does. */
export const serverQuestions: readonly Question[] = [
  {
    id: 'authentication-code',
    asks: 'With which authentication code does the server ask for the password of an IAM login?',
    basis: 'open',
    source: 'The drivers handle 3, 5, 10, 13 and 14; none says which one an IAM login gets.',
    rule: { text: 'The client answers 3, 5 and 13.', file: 'lib/pg/authentication.ts' },
    eitherWay: 'Each of them is answered, and each is tested on the oldest and the newest pg.',
    change: 'the emulator’s default for `authentication`',
    expected: () => '3',
    ask: async session => (await session.logIn()).codes.join(', '),
  },
  {
    id: 'wrong-password',
    asks: 'What does the server say to a wrong password?',
    basis: 'transcripts',
    source: 'redshift-jdbc#21, with a password user',
    rule: { text: 'A refusal is known by 28000 or 28P01 and its message.', file: 'lib/pg/server-messages.ts' },
    eitherWay: '28000 and 28P01 are treated alike.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      return outcome(await session.logIn({ user, password: MADE_UP }), user)
    },
  },
  {
    id: 'other-database',
    asks: 'What does the server say to a login for another database?',
    basis: 'open',
    source: 'AWS documents that the login is restricted to DbName, not how the server refuses.',
    rule: {
      text: 'The message about a refused login names the database as a cause.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'Whatever the words are, they are passed on to the caller.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      return outcome(await session.logIn({ database: await otherDatabase(session) }), user)
    },
  },
  {
    id: 'missing-database',
    asks: 'What does the server say to a database that does not exist?',
    basis: 'documents',
    source: 'AWS’s Python driver tests for 3D000',
    rule: { text: 'A missing database is not a refusal of the login.', file: 'lib/pg/server-messages.ts' },
    eitherWay: 'A login for another database is refused by its own words; neither costs a second login.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
    expected: () => '3D000 database "…" does not exist',
    ask: async session => {
      const { user, password } = await session.fetchLogin({ database: null })
      const database = 'no_such_database_1'
      return outcome(await session.logIn({ user, password, database }), database)
    },
  },
  {
    id: 'without-tls',
    asks: 'What does the server say to a login without TLS?',
    basis: 'transcripts',
    source: 'node-postgres#1528, vscode-sqltools#547',
    rule: {
      text: '`no pg_hba.conf entry` is not a refusal of the login, and the error names TLS.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'The client refuses to log in without TLS before it connects, unless `requireTls` is false.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
    expected: () => '28000 password authentication failed for user "…"',
    ask: async session => {
      const { user } = await session.login()
      const { database } = session.target
      // Never the true password: it would cross the network in clear.
      return outcome(await session.logIn({ user, password: MADE_UP, tls: false }), user, database)
    },
  },
  {
    id: 'missing-user',
    asks: 'What does the server say to a database user that does not exist, without AutoCreate?',
    basis: 'transcripts',
    source: 'redshift-python#255',
    rule: {
      text: '42704 about a user is not a refusal of the login; the remedy is autoCreate.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: '42704 is told apart by its message.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
    only: 'provisioned',
    expected: () => '42704 user "…" does not exist',
    ask: async session => {
      const { user, password } = await session.fetchLogin({ dbUser: 'no_such_user_1' })
      return outcome(await session.logIn({ user, password }), user)
    },
  },
  {
    id: 'unknown-parameter',
    asks: 'What does the server say to a start-up parameter that it does not know?',
    basis: 'transcripts',
    source: 'sqlalchemy#9494, npgsql#210',
    rule: { text: '42704 about a parameter is not a missing user.', file: 'lib/pg/server-messages.ts' },
    eitherWay: '42704 is told apart by its message.',
    change: 'lib/pg/server-messages.ts, and the emulator’s words',
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
    source: 'joined from four logs',
    rule: { text: 'The emulator reports the same under `redshiftDialect`.', file: 'lib/emulator' },
    eitherWay: 'The library reads none of them.',
    change: 'the emulator’s list of reported parameters',
    expected: () => EMULATED_PARAMETERS.join(', '),
    ask: async session => (await session.logIn()).parameters.map(([name]) => name).join(', '),
  },
  {
    id: 'server-version',
    asks: 'Which server_version does the server report?',
    basis: 'transcripts',
    source: 'joined from four logs',
    rule: { text: 'ORMs are told which version to expect in the guide to ORMs.', file: 'docs/orms.md' },
    eitherWay: 'The library does not read it.',
    change: 'the settings in docs/orms.md, and the emulator’s',
    expected: () => '8.0.2',
    ask: async session => new Map((await session.logIn()).parameters).get('server_version') ?? '(none)',
  },
  {
    id: 'certificate-names',
    asks: 'Which names does the server’s certificate carry?',
    basis: 'transcripts',
    source: 'aws-lambda-redshift-loader#237',
    rule: {
      text: 'TLS is verified against the cluster’s own name, or the name that was dialled.',
      file: 'lib/pg/server-name.ts',
    },
    eitherWay: 'Either name is enough, and `ssl.checkServerIdentity` wins.',
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
