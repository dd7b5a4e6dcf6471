import { expect } from 'chai'
import fc from 'fast-check'
import { checkOptions } from '../lib/check-options.js'
import type { ReadConnection } from '../lib/connection.js'
import type { Environment } from '../lib/environment.js'
import { RedshiftCredentialsError } from '../lib/errors.js'
import type { RedshiftOptions } from '../lib/options.js'
import { type CredentialRequest, cacheKey, targetOf } from '../lib/request.js'
import { resolveRequest } from '../lib/resolve-request.js'
import { expectError, thrownBy } from './support/rejection.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const WORKGROUP = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'
const OLD_SERVERLESS = '123456789012.us-west-2.redshift-serverless.amazonaws.com'
const MANAGED = 'mine-endpoint-abc123.123456789012.us-west-2.redshift-serverless.amazonaws.com'

interface Given {
  options?: RedshiftOptions
  connection?: ReadConnection
  env?: Environment
}

const resolve = ({ options = {}, connection, env }: Given): CredentialRequest => {
  checkOptions(options)
  return resolveRequest(options, connection, env)
}

type Row = [title: string, given: Given, expected: Record<string, unknown>]
type Refusal = [title: string, given: Given, code: 'OPTION' | 'TARGET', ...names: string[]]

const table = (rows: Row[]): void => {
  for (const [title, given, expected] of rows)
    it(title, () => {
      const request = resolve(given)
      expect(request).to.deep.include(expected)
      expect(request).to.be.frozen
    })
}

const refusals = (rows: Refusal[]): void => {
  for (const [title, given, code, ...names] of rows)
    it(title, () => {
      expectError(
        thrownBy(() => resolve(given)),
        { code: `ERR_REDSHIFT_${code}`, names, omits: ['hunter2'] },
      )
    })
}

const dev: ReadConnection = { host: CLUSTER, database: 'dev', user: 'IAM:alice' }

describe('precedence', () => {
  table([
    [
      'reads everything from the connection',
      { connection: dev },
      { clusterIdentifier: 'examplecluster', region: 'us-west-2', dbName: 'dev', dbUser: 'alice' },
    ],
    [
      'reads everything from PG* variables',
      { env: { PGHOST: CLUSTER, PGDATABASE: 'dev', PGUSER: 'IAM:alice' } },
      { clusterIdentifier: 'examplecluster', region: 'us-west-2', dbName: 'dev', dbUser: 'alice' },
    ],
    [
      'prefers the option to the connection',
      { options: { user: 'IAM:bob', host: CLUSTER }, connection: { ...dev, host: '127.0.0.1' } },
      { clusterIdentifier: 'examplecluster', dbUser: 'bob' },
    ],
    [
      'prefers the connection to PG* variables',
      { connection: dev, env: { PGHOST: WORKGROUP, PGDATABASE: 'other', PGUSER: 'IAM:eve' } },
      { clusterIdentifier: 'examplecluster', dbName: 'dev', dbUser: 'alice' },
    ],
    [
      'prefers the option to PG* variables',
      {
        options: { host: CLUSTER, database: 'dev', user: 'IAM:bob' },
        env: { PGHOST: WORKGROUP, PGDATABASE: 'other', PGUSER: 'IAM:eve' },
      },
      { clusterIdentifier: 'examplecluster', dbName: 'dev', dbUser: 'bob' },
    ],
    [
      'ignores empty strings of a connection, as pg does',
      {
        connection: { host: '', database: '', user: '' },
        env: { PGHOST: CLUSTER, PGDATABASE: 'dev', PGUSER: 'IAM:eve' },
      },
      { clusterIdentifier: 'examplecluster', dbName: 'dev', dbUser: 'eve' },
    ],
    [
      'ignores null in a connection',
      { connection: { host: null, database: null, user: null }, env: { PGHOST: CLUSTER, PGDATABASE: 'dev' } },
      { api: 'GetClusterCredentialsWithIAM', dbName: 'dev' },
    ],
    [
      'ignores options that are undefined',
      {
        options: {
          host: undefined,
          clusterIdentifier: undefined,
          region: undefined,
          database: undefined,
          dbName: undefined,
          user: undefined,
          dbUser: undefined,
          dbGroups: undefined,
          autoCreate: undefined,
          durationSeconds: undefined,
          api: undefined,
          aws: undefined,
        },
        connection: dev,
      },
      { clusterIdentifier: 'examplecluster', dbUser: 'alice', durationSeconds: 900 },
    ],
    [
      'reads the target from the option host for a tunnel',
      { options: { host: CLUSTER }, connection: { ...dev, host: '127.0.0.1' } },
      { clusterIdentifier: 'examplecluster', region: 'us-west-2' },
    ],
    [
      'uses clusterIdentifier as the target for a tunnel',
      { options: { clusterIdentifier: 'mine', region: 'eu-west-1' }, connection: { ...dev, host: 'localhost' } },
      { clusterIdentifier: 'mine', region: 'eu-west-1' },
    ],
    [
      'accepts two spellings of one host',
      { options: { host: WORKGROUP }, connection: { database: 'dev', host: `${WORKGROUP.toUpperCase()}.` } },
      { workgroupName: 'analytics', region: 'us-west-2' },
    ],
    [
      'accepts a host and one of the old form in the same account',
      { options: { host: WORKGROUP }, connection: { database: 'dev', host: OLD_SERVERLESS } },
      { workgroupName: 'analytics', region: 'us-west-2' },
    ],
    [
      'accepts a host and a managed VPC endpoint, which may be in another account',
      {
        options: { host: WORKGROUP },
        connection: { database: 'dev', host: MANAGED.replace('123456789012', '222222222222') },
      },
      { workgroupName: 'analytics', region: 'us-west-2' },
    ],
    [
      'accepts an option and a host that agree',
      { options: { clusterIdentifier: 'examplecluster', region: 'us-west-2', host: CLUSTER }, connection: dev },
      { clusterIdentifier: 'examplecluster', region: 'us-west-2' },
    ],
    [
      'uses the region of the options',
      { options: { clusterIdentifier: 'mine', region: 'eu-west-1' }, connection: { database: 'dev' } },
      { region: 'eu-west-1' },
    ],
    [
      'uses the region of aws',
      { options: { clusterIdentifier: 'mine', aws: { region: 'eu-west-1' } }, connection: { database: 'dev' } },
      { region: 'eu-west-1' },
    ],
    ['uses the region of the host', { connection: dev }, { region: 'us-west-2' }],
    [
      'leaves the region to the SDK if neither the options nor the host contain it',
      { options: { clusterIdentifier: 'mine' }, connection: { database: 'dev' } },
      { region: undefined },
    ],
    [
      'uses the region of the host with a ready client',
      { options: { aws: { send: async () => ({}), region: 'eu-west-1' } as never }, connection: dev },
      { region: 'us-west-2' },
    ],
    [
      'uses the region of the host if the region of aws is a function',
      { options: { aws: { region: async () => 'us-west-2' } }, connection: dev },
      { region: 'us-west-2' },
    ],
    [
      'reads the region from a host of the old serverless form',
      { options: { workgroupName: 'analytics' }, connection: { ...dev, host: OLD_SERVERLESS } },
      { workgroupName: 'analytics', region: 'us-west-2' },
    ],
    [
      'reads the region from a managed VPC endpoint',
      { options: { workgroupName: 'analytics' }, connection: { ...dev, host: MANAGED } },
      { workgroupName: 'analytics', region: 'us-west-2' },
    ],
    ['restricts the login to the database', { options: { host: CLUSTER, database: 'dev' } }, { dbName: 'dev' }],
    ['restricts the login to dbName', { options: { host: CLUSTER, dbName: 'dev' } }, { dbName: 'dev' }],
    [
      'does not restrict the login to a database for dbName: null',
      { options: { dbName: null }, connection: dev },
      { dbName: undefined },
    ],
    ['needs no database for dbName: null', { options: { host: CLUSTER, dbName: null } }, { dbName: undefined }],
    [
      'accepts a database with the name of its user if PGDATABASE names it',
      { connection: { host: CLUSTER, database: 'dev', user: 'dev', mayBeFallback: true }, env: { PGDATABASE: 'dev' } },
      { dbName: 'dev', dbUser: 'dev' },
    ],
    [
      'accepts a database with the name of its user if an option names it',
      {
        options: { database: 'dev' },
        connection: { host: CLUSTER, database: 'dev', user: 'dev', mayBeFallback: true },
      },
      { dbName: 'dev', dbUser: 'dev' },
    ],
    [
      'accepts a database with the name of its user if it is not the fallback of pg',
      { connection: { host: CLUSTER, database: 'dev', user: 'dev' } },
      { dbName: 'dev', dbUser: 'dev' },
    ],
    ['requests 900 seconds by default', { connection: dev }, { durationSeconds: 900 }],
    ['requests durationSeconds', { options: { durationSeconds: 3_600 }, connection: dev }, { durationSeconds: 3_600 }],
    [
      'reads the group from the user',
      { connection: { ...dev, user: 'IAMA:alice:analysts' } },
      { dbUser: 'alice', dbGroups: ['analysts'], autoCreate: true },
    ],
    [
      'reads several groups from the user, in their order',
      { connection: { ...dev, user: 'IAM:alice:b,a,b' } },
      { dbUser: 'alice', dbGroups: ['b', 'a'], autoCreate: false },
    ],
    ['creates the user for IAMA only', { connection: dev }, { dbUser: 'alice', dbGroups: [], autoCreate: false }],
    [
      'prefers dbGroups to the group in the user',
      { options: { dbGroups: ['z', 'a', 'z'] }, connection: { ...dev, user: 'IAMA:alice:analysts' } },
      { dbGroups: ['z', 'a'], autoCreate: true },
    ],
    [
      'requests no group for dbGroups: []',
      { options: { dbGroups: [] }, connection: { ...dev, user: 'IAMA:alice:analysts' } },
      { dbGroups: [] },
    ],
    [
      'prefers autoCreate to the prefix of the user',
      { options: { autoCreate: false }, connection: { ...dev, user: 'IAMA:alice' } },
      { autoCreate: false },
    ],
    [
      'prefers dbUser to the user',
      { options: { dbUser: 'bob' }, connection: { ...dev, user: 'IAM:alice' } },
      { dbUser: 'bob' },
    ],
    [
      'keeps the prefix and groups of a user with the same name as dbUser',
      { options: { dbUser: 'alice' }, connection: { ...dev, user: 'IAMA:alice:analysts' } },
      { dbUser: 'alice', dbGroups: ['analysts'], autoCreate: true },
    ],
    [
      'ignores the prefix and groups of a user with another name than dbUser',
      { options: { dbUser: 'bob' }, connection: { ...dev, user: 'IAMA:alice:analysts' } },
      { dbUser: 'bob', dbGroups: [], autoCreate: false },
    ],
    [
      'adds a custom domain name to a target',
      { options: { customDomainName: 'db.example.com' }, connection: dev },
      { customDomainName: 'db.example.com', clusterIdentifier: 'examplecluster' },
    ],
  ])

  const other = CLUSTER.replace('examplecluster', 'other')
  const elsewhere = CLUSTER.replace('us-west-2', 'eu-west-1')
  refusals([
    [
      'refuses an option host for another cluster than the connection',
      { options: { host: other }, connection: dev },
      'TARGET',
      'host (option)',
      '"provisioned other"',
      'host (connection)',
      '"provisioned examplecluster"',
    ],
    [
      'refuses a clusterIdentifier that the host contradicts',
      { options: { clusterIdentifier: 'mine' }, connection: dev },
      'TARGET',
      'clusterIdentifier',
      '"provisioned mine"',
      'host (connection)',
      '"provisioned examplecluster"',
    ],
    [
      'refuses a workgroupName that the host contradicts',
      { options: { workgroupName: 'mine' }, connection: { ...dev, host: WORKGROUP } },
      'TARGET',
      'workgroupName',
      '"serverless mine"',
      '"serverless analytics"',
    ],
    [
      'refuses a workgroupName with the host of a cluster of that name',
      { options: { workgroupName: 'examplecluster' }, connection: dev },
      'TARGET',
      '"serverless examplecluster"',
      '"provisioned examplecluster"',
    ],
    [
      'refuses a clusterIdentifier with the host of a workgroup of that name',
      { options: { clusterIdentifier: 'analytics' }, connection: { ...dev, host: WORKGROUP } },
      'TARGET',
      '"provisioned analytics"',
      '"serverless analytics"',
    ],
    [
      'refuses a clusterIdentifier of another workgroup',
      { options: { clusterIdentifier: 'redshift-serverless-other' }, connection: { ...dev, host: WORKGROUP } },
      'TARGET',
      '"serverless other"',
      '"serverless analytics"',
    ],
    [
      'refuses a PGHOST that contradicts an option',
      { options: { clusterIdentifier: 'mine' }, env: { PGHOST: CLUSTER } },
      'TARGET',
      'clusterIdentifier',
      'PGHOST',
    ],
    [
      'refuses a region that the host contradicts',
      { options: { region: 'eu-west-1' }, connection: dev },
      'TARGET',
      'region',
      '"eu-west-1"',
      'host (connection)',
      '"us-west-2"',
    ],
    [
      'refuses a region that a host without a name contradicts',
      { options: { region: 'eu-west-1', workgroupName: 'analytics' }, connection: { ...dev, host: OLD_SERVERLESS } },
      'TARGET',
      '"eu-west-1"',
      '"us-west-2"',
    ],
    [
      'refuses a region of aws that the host contradicts',
      { options: { aws: { region: 'eu-west-1' } }, connection: dev },
      'TARGET',
      'aws.region',
      '"eu-west-1"',
      'host (connection)',
      '"us-west-2"',
    ],
    [
      'refuses a region that aws contradicts',
      { options: { region: 'us-west-2', aws: { region: 'eu-west-1' } }, connection: dev },
      'TARGET',
      'region',
      '"us-west-2"',
      'aws.region',
      '"eu-west-1"',
    ],
    [
      'refuses two hosts in two regions',
      { options: { host: elsewhere }, connection: dev },
      'TARGET',
      'host (option)',
      '"eu-west-1"',
      'host (connection)',
      '"us-west-2"',
    ],
    ...(
      [
        ['two workgroups of one name', WORKGROUP, WORKGROUP.replace('123456789012', '222222222222')],
        ['two clusters of one name', CLUSTER, CLUSTER.replace('abc123xyz789', 'bbbbbbbbbbbb')],
        ['a workgroup and a host without a name', WORKGROUP, OLD_SERVERLESS.replace('123456789012', '222222222222')],
      ] as const
    ).map(
      ([what, option, host]): Refusal => [
        `refuses ${what} in two accounts`,
        { options: { host: option }, connection: { ...dev, user: undefined, host } },
        'TARGET',
        'host (option)',
        `"${option}"`,
        'host (connection)',
        `"${host}"`,
      ],
    ),
    [
      'refuses two hosts in two accounts, even if AWS is not called',
      {
        options: { host: WORKGROUP, identityProvider: { type: 'Okta', token: () => 'hunter2' } },
        connection: { database: 'dev', host: WORKGROUP.replace('123456789012', '222222222222') },
      },
      'TARGET',
      'host (option)',
      'host (connection)',
    ],
    [
      'refuses a request without a target, and names the options to set',
      { connection: { database: 'dev' } },
      'TARGET',
      'host',
      'clusterIdentifier',
      'workgroupName',
      'region',
    ],
    [
      'refuses a host that does not contain the target',
      { connection: { ...dev, host: '127.0.0.1' } },
      'TARGET',
      '"127.0.0.1"',
      'clusterIdentifier',
      'workgroupName',
      'region',
    ],
    [
      'refuses a look-alike host',
      { connection: { ...dev, host: `${CLUSTER}.attacker.io` } },
      'TARGET',
      `"${CLUSTER}.attacker.io"`,
      'clusterIdentifier',
      'workgroupName',
      'region',
    ],
    [
      'refuses a host of the old serverless form',
      { connection: { ...dev, host: OLD_SERVERLESS } },
      'TARGET',
      `"${OLD_SERVERLESS}"`,
      'workgroupName',
    ],
    [
      'refuses a managed VPC endpoint',
      { connection: { ...dev, host: MANAGED } },
      'TARGET',
      `"${MANAGED}"`,
      'VPC',
      'clusterIdentifier',
      'workgroupName',
    ],
    [
      "refuses the console's endpoint, with port and database",
      { connection: { ...dev, host: `${CLUSTER}:5439/dev` } },
      'TARGET',
      `"${CLUSTER}:5439/dev"`,
      `"${CLUSTER}"`,
      'port',
      'database',
    ],
    [
      'refuses a JDBC URL, and names the options to set',
      { connection: { ...dev, host: `jdbc:redshift:iam://${CLUSTER}:5439/dev` } },
      'TARGET',
      `"jdbc:redshift:iam://${CLUSTER}:5439/dev"`,
      `"${CLUSTER}"`,
      'port',
      'database',
    ],
    [
      'refuses a JDBC URL without a host name',
      { connection: { ...dev, host: 'jdbc:redshift:iam://examplecluster:us-west-2/dev' } },
      'TARGET',
      '"jdbc:redshift:iam://examplecluster:us-west-2/dev"',
      'JDBC',
      'host',
      'clusterIdentifier',
    ],
    [
      'refuses a host with white space around it',
      { connection: { ...dev, host: ` ${CLUSTER}\n` } },
      'TARGET',
      `" ${CLUSTER}\\n"`,
      `"${CLUSTER}"`,
    ],
    [
      'refuses a URL as the host, without repeating its password',
      { connection: { ...dev, host: 'postgres://alice:hunter2@x:5439/dev' } },
      'TARGET',
      '"postgres://…@x:5439/dev"',
      'clusterIdentifier',
    ],
    ...(
      [
        [`alice:hunter2@${CLUSTER}`, `"…@${CLUSTER}"`, `"${CLUSTER}"`],
        [`${CLUSTER}?password=hunter2`, `"${CLUSTER}?…"`, `"${CLUSTER}"`],
        [`jdbc:redshift://${CLUSTER}/dev;PWD=hunter2`, 'jdbc:redshift:', `"${CLUSTER}"`],
        ['jdbc:redshift:iam://x/dev?AccessKeyID=hunter2&SecretAccessKey=hunter2', 'JDBC', 'clusterIdentifier'],
        ['host=wh.example port=5439 user=alice password=hunter2', 'password=…', 'clusterIdentifier'],
        ["host=wh.example password = 'hunter2 hunter2' dbname=dev", 'password =…', 'clusterIdentifier'],
        ['alice:hunter2@/x@nowhere', '"…@nowhere"', 'clusterIdentifier'],
      ] as const
    ).map(
      ([host, ...names]): Refusal => [
        `refuses the host ${host} without repeating its password`,
        { connection: { ...dev, host } },
        'TARGET',
        ...names,
      ],
    ),
    [
      'refuses a custom domain name alone',
      { options: { customDomainName: 'db.example.com' }, connection: { database: 'dev' } },
      'TARGET',
      'customDomainName',
      '"db.example.com"',
      'api',
    ],
    ['refuses a request without a database', { options: { host: CLUSTER } }, 'OPTION', 'PGDATABASE', 'dbName: null'],
    [
      "refuses pg's default database, the user name",
      { connection: { host: CLUSTER, database: 'alice', user: 'alice', mayBeFallback: true } },
      'OPTION',
      'PGDATABASE',
      'dbName: null',
    ],
    [
      "refuses a database option that differs from pg's default, and says where to set it",
      {
        options: { database: 'dev' },
        connection: { host: CLUSTER, database: 'IAM:alice', user: 'IAM:alice', mayBeFallback: true },
      },
      'OPTION',
      '"dev"',
      '"IAM:alice"',
      'pg',
    ],
    [
      'refuses a connection with another database than the option',
      { options: { database: 'dev' }, connection: { ...dev, database: 'prod' } },
      'OPTION',
      '"dev"',
      '"prod"',
      'database',
      'dbName: null',
    ],
    [
      'refuses a connection with another database than dbName',
      { options: { dbName: 'dev' }, connection: { ...dev, database: 'prod' } },
      'OPTION',
      '"dev"',
      '"prod"',
      'dbName',
    ],
    [
      'refuses different values of dbName and database',
      { options: { host: CLUSTER, dbName: 'dev', database: 'prod' } },
      'OPTION',
      'dbName "dev"',
      '"prod"',
    ],
    [
      'refuses an invalid database name of the connection',
      { connection: { ...dev, database: 'de v' } },
      'OPTION',
      'database "de v"',
    ],
    [
      'refuses a reserved word as the database',
      { env: { PGHOST: CLUSTER, PGDATABASE: 'select', PGUSER: 'alice' } },
      'OPTION',
      'database "select"',
    ],
    ['refuses an invalid user name', { connection: { ...dev, user: 'IAM:al ice' } }, 'OPTION', 'user "al ice"'],
    ['refuses an empty name after a prefix', { connection: { ...dev, user: 'IAM:' } }, 'OPTION', 'user ""'],
    ['refuses the user PUBLIC', { connection: { ...dev, user: 'IAM:public' } }, 'OPTION', 'user "public"', 'PUBLIC'],
    [
      'refuses a group in upper case',
      { connection: { ...dev, user: 'IAMA:alice:Analysts' } },
      'OPTION',
      'user "Analysts"',
      'lowercase',
    ],
    ['refuses an empty group', { connection: { ...dev, user: 'IAMA:alice:a,,b' } }, 'OPTION', 'user ""'],
  ])

  it('accepts any values of a connection, and throws only its own errors', () => {
    const value = fc.oneof(fc.anything(), fc.constantFrom(CLUSTER, WORKGROUP, 'dev', 'IAM:alice', 'IAMR:role', ''))
    fc.assert(
      fc.property(value, value, value, (host, database, user) => {
        try {
          resolveRequest({}, { host, database, user } as ReadConnection)
        } catch (error) {
          expect(error).to.be.instanceOf(RedshiftCredentialsError)
        }
      }),
    )
  })

  it("copies the caller's arrays, so that later changes have no effect", () => {
    const dbGroups = ['b', 'a']
    const request = resolve({ options: { dbGroups }, connection: dev })
    dbGroups.push('c')
    expect(request).to.deep.include({ dbGroups: ['b', 'a'] })
    expect('dbGroups' in request && request.dbGroups).to.be.frozen
  })
})

describe('the API', () => {
  const serverless: ReadConnection = { host: WORKGROUP, database: 'dev' }
  const provisioned: ReadConnection = { host: CLUSTER, database: 'dev' }
  const domain: RedshiftOptions = { customDomainName: 'db.example.com', region: 'us-west-2', database: 'dev' }
  table([
    ['serverless: GetCredentials', { connection: serverless }, { api: 'GetCredentials', workgroupName: 'analytics' }],
    [
      'serverless by option: GetCredentials',
      { options: { workgroupName: 'wgx', database: 'dev' } },
      { api: 'GetCredentials', workgroupName: 'wgx' },
    ],
    [
      'serverless, user IAM:name: still GetCredentials',
      { connection: { ...serverless, user: 'IAM:alice' } },
      { api: 'GetCredentials' },
    ],
    [
      'serverless, user name: still GetCredentials',
      { connection: { ...serverless, user: 'alice' } },
      { api: 'GetCredentials' },
    ],
    [
      'serverless, the option user: still GetCredentials',
      { options: { user: 'IAM:alice' }, connection: serverless },
      { api: 'GetCredentials' },
    ],
    [
      'serverless, the option dbUser: GetClusterCredentials',
      { options: { dbUser: 'alice' }, connection: serverless },
      { api: 'GetClusterCredentials', clusterIdentifier: 'redshift-serverless-analytics', dbUser: 'alice' },
    ],
    [
      'serverless, api GetClusterCredentials: the user of the connection',
      { options: { api: 'GetClusterCredentials' }, connection: { ...serverless, user: 'IAMA:alice' } },
      {
        api: 'GetClusterCredentials',
        clusterIdentifier: 'redshift-serverless-analytics',
        dbUser: 'alice',
        autoCreate: true,
      },
    ],
    [
      'serverless named as a cluster, user IAM:name: GetClusterCredentials',
      {
        options: { clusterIdentifier: 'redshift-serverless-analytics' },
        connection: { ...serverless, user: 'IAM:alice' },
      },
      { api: 'GetClusterCredentials', clusterIdentifier: 'redshift-serverless-analytics', region: 'us-west-2' },
    ],
    [
      'provisioned, user name: GetClusterCredentials',
      { connection: { ...provisioned, user: 'alice' } },
      { api: 'GetClusterCredentials', dbUser: 'alice', autoCreate: false },
    ],
    [
      'provisioned, user IAM:name: GetClusterCredentials',
      { connection: { ...provisioned, user: 'IAM:alice' } },
      { api: 'GetClusterCredentials', dbUser: 'alice', autoCreate: false },
    ],
    [
      'provisioned, user IAMA:name: GetClusterCredentials',
      { connection: { ...provisioned, user: 'IAMA:alice' } },
      { api: 'GetClusterCredentials', dbUser: 'alice', autoCreate: true },
    ],
    [
      'provisioned, the option dbUser: GetClusterCredentials',
      { options: { dbUser: 'alice' }, connection: provisioned },
      { api: 'GetClusterCredentials', dbUser: 'alice' },
    ],
    [
      'provisioned, the option dbUser with a role: GetClusterCredentials',
      { options: { dbUser: 'alice' }, connection: { ...provisioned, user: 'IAMR:analyst' } },
      { api: 'GetClusterCredentials', dbUser: 'alice', autoCreate: false },
    ],
    [
      'provisioned, no user: GetClusterCredentialsWithIAM',
      { connection: provisioned },
      { api: 'GetClusterCredentialsWithIAM', clusterIdentifier: 'examplecluster' },
    ],
    [
      'provisioned, user IAMR:role: GetClusterCredentialsWithIAM',
      { connection: { ...provisioned, user: 'IAMR:analyst' } },
      { api: 'GetClusterCredentialsWithIAM' },
    ],
    [
      'provisioned, api GetClusterCredentialsWithIAM: a user is only compared',
      { options: { api: 'GetClusterCredentialsWithIAM' }, connection: { ...provisioned, user: 'IAM:alice' } },
      { api: 'GetClusterCredentialsWithIAM' },
    ],
    [
      'custom domain, api GetCredentials',
      { options: { ...domain, api: 'GetCredentials' } },
      { api: 'GetCredentials', workgroupName: undefined, customDomainName: 'db.example.com' },
    ],
    [
      'custom domain, api GetClusterCredentialsWithIAM',
      { options: { ...domain, api: 'GetClusterCredentialsWithIAM' } },
      { api: 'GetClusterCredentialsWithIAM', clusterIdentifier: undefined },
    ],
    [
      'custom domain, api GetClusterCredentials',
      { options: { ...domain, api: 'GetClusterCredentials', dbUser: 'alice' } },
      { api: 'GetClusterCredentials', clusterIdentifier: undefined, dbUser: 'alice' },
    ],
    [
      'custom domain and workgroupName: no api needed',
      { options: { ...domain, workgroupName: 'wgx' } },
      { api: 'GetCredentials', workgroupName: 'wgx', customDomainName: 'db.example.com' },
    ],
  ])

  refusals([
    [
      'GetCredentials refuses a cluster',
      { options: { api: 'GetCredentials' }, connection: provisioned },
      'OPTION',
      'api',
      'GetCredentials',
      '"examplecluster"',
      'workgroupName',
    ],
    [
      'GetCredentials refuses a workgroup named as a cluster',
      { options: { api: 'GetCredentials', clusterIdentifier: 'redshift-serverless-wgx', database: 'dev' } },
      'OPTION',
      'GetCredentials',
      '"redshift-serverless-wgx"',
      'workgroupName',
    ],
    [
      'GetClusterCredentialsWithIAM refuses a workgroup',
      { options: { api: 'GetClusterCredentialsWithIAM' }, connection: serverless },
      'OPTION',
      'api',
      'GetClusterCredentialsWithIAM',
      '"analytics"',
    ],
    [
      'GetCredentials refuses dbUser',
      { options: { api: 'GetCredentials', dbUser: 'alice' }, connection: serverless },
      'OPTION',
      'dbUser',
      'GetCredentials',
      "'GetClusterCredentials'",
    ],
    [
      'GetCredentials refuses dbGroups',
      { options: { dbGroups: ['a'] }, connection: serverless },
      'OPTION',
      'dbGroups',
      'GetCredentials',
      'dbUser',
    ],
    [
      'GetCredentials refuses dbGroups: []',
      { options: { dbGroups: [] }, connection: serverless },
      'OPTION',
      'dbGroups',
      'GetCredentials',
    ],
    [
      'GetCredentials refuses autoCreate',
      { options: { autoCreate: false }, connection: serverless },
      'OPTION',
      'autoCreate',
      'GetCredentials',
    ],
    [
      'GetClusterCredentialsWithIAM refuses dbUser',
      { options: { api: 'GetClusterCredentialsWithIAM', dbUser: 'alice' }, connection: provisioned },
      'OPTION',
      'dbUser',
      'GetClusterCredentialsWithIAM',
      "'GetClusterCredentials'",
    ],
    [
      'GetClusterCredentialsWithIAM refuses dbGroups',
      { options: { dbGroups: ['a'] }, connection: provisioned },
      'OPTION',
      'dbGroups',
      'GetClusterCredentialsWithIAM',
    ],
    [
      'GetClusterCredentialsWithIAM refuses autoCreate',
      { options: { autoCreate: true }, connection: { ...provisioned, user: 'IAMR:x' } },
      'OPTION',
      'autoCreate',
      'GetClusterCredentialsWithIAM',
    ],
    [
      'GetClusterCredentials requires a user',
      { options: { api: 'GetClusterCredentials' }, connection: provisioned },
      'OPTION',
      'GetClusterCredentials',
      'dbUser',
      'IAM:name',
    ],
    [
      'GetClusterCredentials refuses a role',
      { options: { api: 'GetClusterCredentials' }, connection: { ...provisioned, user: 'IAMR:analyst' } },
      'OPTION',
      '"IAMR:analyst"',
      'api',
      'dbUser',
    ],
  ])

  it('belongs to the target of the request', () => {
    expect(targetOf(resolve({ connection: serverless }))).to.equal('analytics')
    expect(targetOf(resolve({ connection: provisioned }))).to.equal('examplecluster')
    expect(targetOf(resolve({ options: { ...domain, api: 'GetCredentials' } }))).to.equal('db.example.com')
  })
})

describe('the cache key', () => {
  const text = fc.oneof(
    fc.constantFrom('a', 'b', 'a,b', 'a","b', '"', '\\', '[', ']', ',', ':', 'null', '', '\u0000', 'true', '900'),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  const maybe = fc.option(text, { nil: undefined })
  const base = {
    region: maybe,
    customDomainName: maybe,
    dbName: maybe,
    durationSeconds: fc.integer({ min: 900, max: 3_600 }),
  }
  const request: fc.Arbitrary<CredentialRequest> = fc.oneof(
    fc.record({
      ...base,
      api: fc.constant('GetClusterCredentials' as const),
      clusterIdentifier: maybe,
      dbUser: text,
      dbGroups: fc.array(text, { maxLength: 3 }),
      autoCreate: fc.boolean(),
    }),
    fc.record({ ...base, api: fc.constant('GetClusterCredentialsWithIAM' as const), clusterIdentifier: maybe }),
    fc.record({ ...base, api: fc.constant('GetCredentials' as const), workgroupName: maybe }),
  )
  const parts = fc.record({ request, endpoint: maybe, identity: text })
  type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never
  const keyOf = ({ request, endpoint, identity }: Parts): string => cacheKey(request, { endpoint, identity })
  const equal = (a: unknown, b: unknown): boolean => {
    try {
      expect(a).to.deep.equal(b)
      return true
    } catch {
      return false
    }
  }

  it('differs between requests that differ in any part, whatever characters they contain', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(keyOf(one) === keyOf(other)).to.equal(equal(one, other))
      }),
    )
  })

  it('distinguishes a custom domain from a cluster of the same name', () => {
    const { region, dbName, durationSeconds } = resolve({ connection: dev })
    const key = (clusterIdentifier: string | undefined, customDomainName: string | undefined) =>
      cacheKey({
        api: 'GetClusterCredentialsWithIAM',
        region,
        dbName,
        durationSeconds,
        clusterIdentifier,
        customDomainName,
      })
    expect(
      new Set([key('x', undefined), key(undefined, 'x'), key('x', 'x'), key(undefined, undefined)]),
    ).to.have.lengthOf(4)
  })

  it('differs if one part differs', () => {
    fc.assert(
      fc.property(parts, parts, fc.nat(20), (one, other, pick) => {
        const fields = ['endpoint', 'identity', ...Object.keys(one.request)] as const
        const field = fields[pick % fields.length] ?? 'endpoint'
        const changed: Parts =
          field === 'endpoint' || field === 'identity'
            ? { ...one, [field]: other[field] }
            : ({
                ...one,
                request: {
                  ...one.request,
                  ...(field in other.request && { [field]: other.request[field as 'region'] }),
                },
              } as Parts)
        fc.pre(changed.request.api === one.request.api)
        expect(keyOf(one) === keyOf(changed)).to.equal(equal(one, changed))
      }),
      { numRuns: 500 },
    )
  })

  it('does not depend on duplicate groups, but on the order, which the name of the user repeats', () => {
    const key = (groups: string) => cacheKey(resolve({ connection: { ...dev, user: `IAMA:alice:${groups}` } }))
    expect(key('b,a,b')).to.equal(key('b,a'))
    expect(key('a,b')).not.to.equal(key('b,a'))
  })

  it('is the same for equal options and connections', () => {
    const byConnection = resolve({ connection: { ...dev, user: 'IAMA:alice:b,a' } })
    const byOptions = resolve({
      options: {
        clusterIdentifier: 'examplecluster',
        region: 'us-west-2',
        dbName: 'dev',
        dbUser: 'alice',
        dbGroups: ['b', 'a'],
        autoCreate: true,
      },
    })
    expect(cacheKey(byOptions)).to.equal(cacheKey(byConnection))
  })

  it('contains no AWS key and no password', () => {
    const options: RedshiftOptions = {
      aws: {
        credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'hunter2', sessionToken: 'hunter3' },
      },
    }
    const connection = { ...dev, password: 'hunter4' }
    const request = resolve({ options, connection })
    const key = cacheKey(request, { endpoint: 'localhost:4566', identity: 'reports' })
    expect(JSON.parse(key)).to.deep.equal([
      'GetClusterCredentials',
      'us-west-2',
      'localhost:4566',
      'examplecluster',
      null,
      'dev',
      'alice',
      false,
      [],
      900,
      'reports',
    ])
    expect(JSON.stringify(request)).to.not.match(/AKIA|hunter/)
  })
})
