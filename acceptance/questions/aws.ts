import { NotAsked, type Question } from '../question.js'
import type { ApiError, Session } from '../session.js'
import type { Target } from '../target.js'

const inWords = ({ code, status, message }: ApiError): string => `${code} (${status}): ${message}`

/** IMF-fixdate. RFC 9110, section 5.6.7. */
const FIXDATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/

const isSame = (one: Date, other: Date): boolean => Math.abs(one.getTime() - other.getTime()) < 2_000

/** If a user is given, serverless logins come from the API of clusters. */
const usesServerlessApi = ({ kind, dbUser }: Target): boolean => kind === 'serverless' && dbUser === undefined

const validation = (target: Target): string => (usesServerlessApi(target) ? 'ValidationException' : 'ValidationError')

const refusedName = (target: Target, value: string, member: string, rule: string): string =>
  `${validation(target)} (400): 1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must ${rule}`

/** Requests a login with one wrong parameter, and returns AWS's error. */
const badParameter = (question: {
  readonly id: string
  readonly what: string
  readonly only?: Question['only']
  readonly expected: Question['expected']
  readonly basis: Question['basis']
  readonly source: string
  readonly parameters: (session: Session) => Parameters<Session['errorOf']>[0]
}): Question => ({
  id: question.id,
  asks: `How does AWS reject ${question.what}?`,
  basis: question.basis,
  source: question.source,
  rule: { text: 'AWS’s errors become errors of this package, with a remedy.', file: 'lib/aws/failures.ts' },
  eitherWay: 'The errors of both services are recognized. An unknown one keeps AWS’s message.',
  change: 'lib/aws/failures.ts, and the emulator’s message',
  only: question.only,
  expected: question.expected,
  ask: async session => inWords(await session.errorOf(question.parameters(session))),
})

/** How AWS behaves. */
export const awsQuestions: readonly Question[] = [
  {
    id: 'user-name',
    asks: 'Which user name does AWS choose for the caller?',
    basis: 'documents',
    source: 'the API reference of GetClusterCredentialsWithIAM and GetCredentials',
    rule: { text: 'The user in the response is used unchanged.', file: 'lib/request.ts' },
    eitherWay: 'pg always gets user and password from the same response.',
    change: 'docs/iam-policies.md, and the emulator’s `identity`',
    expected: () => 'the prefix and the name of the caller’s role or IAM user, without its path',
    ask: async session => {
      const { user } = await session.fetchLogin({ dbUser: undefined })
      const resource = (await session.callerArn()).split(':').at(-1) ?? ''
      const [type, ...path] = resource.split('/')
      const role = type === 'assumed-role' ? path.at(-2) : undefined
      const predicted = type === 'user' ? `IAM:${path.at(-1)}` : `IAMR:${role}`
      return user === predicted ? 'the prefix and the name of the caller’s role or IAM user, without its path' : user
    },
  },
  {
    id: 'group-user-name',
    only: 'provisioned',
    asks: 'Which user name does a login with several groups have?',
    basis: 'open',
    source: 'documented for one group only: IAMA:user:group',
    rule: { text: 'The user in the response is used unchanged.', file: 'lib/request.ts' },
    eitherWay: 'The name is never computed from the groups.',
    change: 'the emulator’s user names',
    expected: () => 'IAMA:<user>:<group>,<group>',
    ask: async session => {
      const { dbUser, dbGroups } = session.target
      const [first = '', second = ''] = dbGroups
      if (dbUser === undefined || second === '') throw new NotAsked('set --db-user, and --db-groups with two groups')
      const { user } = await session.fetchLogin({ dbGroups: [first, second] })
      return user.replace(`:${dbUser}`, ':<user>').replace(first, '<group>').replace(second, '<group>')
    },
  },
  {
    id: 'same-password-again',
    asks: 'Does a second call return the same password?',
    basis: 'open',
    source: 'not documented',
    rule: {
      text: 'A response with the current user and password is “no progress”, or confirms a refused login.',
      file: 'lib/cache-entry.ts',
    },
    eitherWay: 'Both are supported, and the emulator can do both.',
    change: 'the emulator’s default for repeated passwords',
    expected: () => 'another password',
    ask: async session => {
      const one = await session.login()
      const other = await session.fetchLogin()
      return one.password === other.password ? 'the same password' : 'another password'
    },
  },
  {
    id: 'old-password-lives-on',
    asks: 'Does an old password still log in after a newer one was issued?',
    basis: 'open',
    source: 'not documented; otherwise two hosts could not use the same user',
    rule: { text: 'Connections may use the old login during a refresh.', file: 'lib/cache.ts' },
    eitherWay: 'The client fetches another login after the refusal.',
    change: 'the emulator’s logins, and “Limitations” of the README',
    expected: () => 'it logs in',
    ask: async session => {
      const { user, password } = await session.fetchLogin()
      await session.fetchLogin()
      const { error } = await session.logIn({ user, password })
      return error ? `${error.sqlstate} ${error.message}` : 'it logs in'
    },
  },
  {
    id: 'lifetime',
    asks: 'How long is a login valid by default?',
    basis: 'documents',
    source: 'the API references: 900 seconds',
    rule: { text: 'A lease is never longer than the requested duration.', file: 'lib/lease.ts' },
    eitherWay: 'The expiry is measured with AWS’s clock, from the same response.',
    change: 'the emulator’s lifetimes',
    expected: ({ lifetimeSeconds }) => `${lifetimeSeconds} s`,
    ask: async session => {
      const { expiration, headers } = await session.fetchLogin()
      const seconds = (expiration.getTime() - Date.parse(headers.date ?? '')) / 1_000
      const { lifetimeSeconds } = session.target
      return Math.abs(seconds - lifetimeSeconds) <= 2 ? `${lifetimeSeconds} s` : `${Math.round(seconds)} s`
    },
  },
  {
    id: 'next-refresh-time',
    asks: 'How does nextRefreshTime compare to expiration?',
    basis: 'open',
    source: 'documented as “when the authorization refreshes”, and as “reserved” for provisioned clusters',
    rule: { text: 'It can make a refresh earlier, within the proportional limits.', file: 'lib/lease.ts' },
    eitherWay: 'Before, at, after or none: all are supported, and the emulator can do all.',
    change: 'the emulator’s default',
    expected: () => 'at expiration',
    ask: async session => {
      const { expiration, nextRefreshTime } = await session.fetchLogin({ dbUser: undefined })
      if (!nextRefreshTime) return 'absent'
      if (isSame(nextRefreshTime, expiration)) return 'at expiration'
      return nextRefreshTime < expiration ? 'before expiration' : 'after expiration'
    },
  },
  {
    id: 'date-header',
    asks: 'Does each response have a reliable Date header?',
    basis: 'documents',
    source: 'RFC 9110, section 6.6.1',
    rule: { text: 'Server time is the Date of the response.', file: 'lib/aws/attempts.ts' },
    eitherWay: 'Without it, the host’s clock is used.',
    change: 'lib/aws/attempts.ts',
    expected: () => 'Date as an IMF-fixdate, without Age',
    ask: async session => {
      const { headers } = await session.fetchLogin()
      if (headers.age !== undefined) return 'with Age'
      return FIXDATE.test(headers.date ?? '') ? 'Date as an IMF-fixdate, without Age' : `Date: ${headers.date}`
    },
  },
  {
    id: 'retry-after',
    asks: 'Does any response of this run have a Retry-After header?',
    basis: 'open',
    source: 'no source; the kit does not cause throttling',
    rule: { text: 'Retry-After is respected within the limits of the back-off.', file: 'lib/lease.ts' },
    eitherWay: 'Attempts back off with and without it.',
    change: 'the emulator’s default for throttling',
    expected: () => 'no',
    ask: async session => {
      await session.errorOf({ target: 'no-such-target-1' })
      const values = session.headers.flatMap(headers => headers['retry-after'] ?? [])
      return values.length === 0 ? 'no' : `yes: ${[...new Set(values)].join(', ')}`
    },
  },
  {
    id: 'described-address',
    asks: 'Does AWS return the given address?',
    basis: 'documents',
    source: 'the API references of DescribeClusters and GetWorkgroup',
    rule: { text: 'Without a host, the returned address is used.', file: 'lib/endpoint-cache.ts' },
    eitherWay: 'A response without an endpoint is an error with a remedy.',
    change: 'lib/aws/redshift-calls.ts or lib/aws/serverless-calls.ts',
    expected: () => 'the same host, and a port',
    ask: async session => {
      const { host, port } = await session.describe()
      const same = host === session.target.host ? 'the same host' : `another host: ${String(host)}`
      return `${same}, ${typeof port === 'number' ? 'and a port' : 'and no port'}`
    },
  },
  badParameter({
    id: 'error-not-found',
    what: 'a cluster or workgroup that does not exist',
    basis: 'transcripts',
    source: 'verbatim in several issues',
    expected: target =>
      usesServerlessApi(target)
        ? 'ResourceNotFoundException (400): Serverless workgroup no-such-target-1 not found.'
        : 'ClusterNotFoundFault (404): Cluster no-such-target-1 not found.',
    parameters: () => ({ target: 'no-such-target-1' }),
  }),
  badParameter({
    id: 'error-duration',
    what: 'a duration of 899 seconds',
    basis: 'open',
    source: 'moto, another emulator; no transcript',
    expected: target =>
      `${usesServerlessApi(target) ? 'ValidationException' : 'InvalidParameterValue'} (400): Token duration must be between 900 and 3600 seconds`,
    parameters: () => ({ durationSeconds: 899 }),
  }),
  badParameter({
    id: 'error-database-name',
    what: 'a database name with a slash',
    basis: 'open',
    source: 'the API reference has the rule, but not the message',
    expected: target =>
      refusedName(target, 'dev/prod', 'dbName', 'satisfy regular expression pattern: [a-zA-Z][a-zA-Z0-9_+.@-]*'),
    parameters: () => ({ database: 'dev/prod' }),
  }),
  badParameter({
    id: 'error-user-name',
    what: 'a database user with a slash',
    basis: 'open',
    source: 'the API reference has the rule, but not the message',
    only: 'provisioned',
    expected: target =>
      refusedName(target, 'alice/bob', 'dbUser', 'satisfy regular expression pattern: [a-zA-Z][a-zA-Z0-9_+.@-]*'),
    parameters: () => ({ dbUser: 'alice/bob' }),
  }),
  badParameter({
    id: 'error-group-name',
    what: 'a group in upper case',
    basis: 'open',
    source: 'the API reference has the rule, but not the message',
    only: 'provisioned',
    expected: target => refusedName(target, 'Analysts', 'dbGroups', 'be in lower case'),
    parameters: ({ target }) => ({ dbUser: target.dbUser ?? 'alice', dbGroups: ['Analysts'] }),
  }),
  badParameter({
    id: 'error-custom-domain',
    what: 'a custom domain that is not registered',
    basis: 'transcripts',
    source: 'redshift-jdbc#156, without a code',
    expected: target =>
      `${validation(target)} (400): To use get credentials, you must provide an active custom domain name.`,
    parameters: () => ({ customDomainName: 'no-such-domain.example.com' }),
  }),
]
