import { expect } from 'chai'
import fc from 'fast-check'
import { checkOptions, copyOptions } from '../lib/check-options.js'
import { optionError, quoted, RedshiftCredentialsError } from '../lib/errors.js'
import {
  checkBoolean,
  checkClusterIdentifier,
  checkDatabaseName,
  checkDomainName,
  checkGroupName,
  checkInteger,
  checkRegion,
  checkUserName,
  checkWorkgroupName,
  parseIamUser,
  serverlessClusterIdentifier,
  serverlessWorkgroup,
} from '../lib/identifiers.js'
import type { RedshiftOptions } from '../lib/options.js'
import { expectError, thrownBy } from './support/rejection.js'

type Check = (option: string, value: unknown) => void

/** Every error names the option and the value, and these facts. */
const expectRefused = (check: Check, value: unknown, ...names: string[]): void => {
  expectError(
    thrownBy(() => check('theOption', value)),
    { code: 'ERR_REDSHIFT_OPTION', names: ['theOption', quoted(value), ...names] },
  )
}

const STRANGE: unknown[] = [
  undefined,
  null,
  0,
  7,
  true,
  {},
  [],
  ['dev'],
  () => 'dev',
  Symbol('dev'),
  Object.create(null),
]

const tables: Record<string, { check: Check; good: string[]; bad: string[]; rule: string[] }> = {
  'a database name': {
    check: checkDatabaseName,
    good: ['d', 'dev', 'Dev', 'a_+.@-9', 'z'.repeat(64), 'selects', 'PUBLIC', 'useR1', 'IAM'],
    bad: [
      '',
      'z'.repeat(65),
      '9dev',
      '_dev',
      '-dev',
      'de v',
      'de:v',
      'de/v',
      'dév',
      'dev\n',
      '\ndev',
      'dev\0',
      'dev;',
      '"dev"',
      'select',
      'SELECT',
      'User',
      'AES128',
      'mostly16',
      'WITHOUT',
    ],
    rule: ['1 to 64', 'dbName: null'],
  },
  'a user name': {
    check: checkUserName,
    good: ['a', 'alice', 'Alice', 'alice@example.com', 'a'.repeat(64), 'publicly'],
    bad: ['', 'a'.repeat(65), '1alice', 'al ice', 'al/ice', 'al:ice', 'public', 'PUBLIC', 'Public', 'user', 'alice\n'],
    rule: ['1 to 64'],
  },
  'a group name': {
    check: checkGroupName,
    good: ['g', 'analysts', 'a_+.@-9', 'g'.repeat(64)],
    bad: ['', 'Analysts', 'analystS', 'g'.repeat(65), '1g', 'group', 'a:b', 'a/b', 'a,b', 'analysts\n'],
    rule: ['1 to 64', 'lowercase'],
  },
  'a cluster identifier': {
    check: checkClusterIdentifier,
    good: ['c', 'examplecluster', 'a-1-b', 'c'.repeat(63), 'redshift-serverless-wgx', 'redshift-serverless-9--a-'],
    bad: ['', 'c'.repeat(64), '1c', '-c', 'c-', 'a--b', 'Cluster', 'c_1', 'c.d', 'examplecluster.abc.us-west-2', 'c\n'],
    rule: ['1 to 63', 'lowercase', 'cluster'],
  },
  'a workgroup name': {
    check: checkWorkgroupName,
    good: ['abc', '1-2', 'a--', 'w'.repeat(64), 'default'],
    bad: ['', 'ab', 'w'.repeat(65), 'Abc', 'a_b', 'a.b', 'abc\n'],
    rule: ['3 to 64', 'lowercase', 'workgroup'],
  },
  'a region': {
    check: checkRegion,
    good: ['us-west-2', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-5', 'eusc-de-east-1', 'us-iso-east-1'],
    bad: [
      '',
      'US-WEST-2',
      'us-west',
      'us-west-2a',
      'us-west-2\n',
      'us_west_2',
      'u-west-2',
      'us--2',
      `us-${'a'.repeat(99)}-1`,
    ],
    rule: ['us-west-2', 'AWS_REGION'],
  },
  'a custom domain name': {
    check: checkDomainName,
    good: ['db.example.com', 'DB.Example.com', 'a-b.c', `${'a'.repeat(63)}.com`],
    bad: [
      '',
      'localhost',
      'db.example.com.',
      '.example.com',
      '-a.com',
      'a-.com',
      'a..b',
      'https://a.b',
      'a.b:5439',
      'a.b\n',
      'é.com',
      `${'a.'.repeat(126)}aa`,
    ],
    rule: ['host name', 'port', 'scheme'],
  },
}

describe('names', () => {
  for (const [kind, { check, good, bad, rule }] of Object.entries(tables))
    describe(kind, () => {
      for (const name of good) it(`can be ${quoted(name)}`, () => check('theOption', name))
      for (const name of bad)
        it(`cannot be ${quoted(name)}, and the error contains the rule`, () => expectRefused(check, name, ...rule))
      it('must be strings', () => {
        for (const value of STRANGE) expectRefused(check, value, 'string')
      })
    })

  it('are not reserved words, in any case, but may begin with one', () => {
    const words =
      'AES128 ALL ANALYSE CURRENT_USER_ID DEFRAG GLOBALDICT64K LUNS LZOP OFFSET TDES TEXT32K USER VERBOSE WITH WITHOUT'
    for (const word of words.split(' '))
      for (const name of [word, word.toLowerCase(), word[0] + word.slice(1).toLowerCase()]) {
        expectRefused(checkDatabaseName, name)
        expectRefused(checkUserName, name)
        checkDatabaseName('database', `${name}x`)
      }
  })

  it('of a workgroup written as a cluster follow the rule for workgroups', () => {
    expectRefused(checkClusterIdentifier, 'redshift-serverless-wg', '3 to 64', 'lowercase')
    expectRefused(checkClusterIdentifier, `redshift-serverless-${'w'.repeat(65)}`, '3 to 64', 'lowercase')
    checkClusterIdentifier('clusterIdentifier', `redshift-serverless-${'w'.repeat(64)}`)
  })

  it('reject a prefix of a user name, and the error says to leave it out', () => {
    expectRefused(checkUserName, 'IAM:alice', '"alice"')
    expectRefused(checkUserName, 'IAMA:alice:analysts', '"alice"', 'autoCreate', 'dbGroups')
    expectRefused(checkUserName, 'IAMA:alice', '"alice"', 'autoCreate')
    expectRefused(checkUserName, 'IAMR:analyst', 'role')
    for (const [user, omits] of [
      ['IAM:alice', ['autoCreate', 'role']],
      ['IAMA:alice', ['dbGroups']],
      ['IAMR:analyst', ['"analyst"', 'autoCreate']],
    ] as const)
      expectError(
        thrownBy(() => checkUserName('dbUser', user)),
        { code: 'ERR_REDSHIFT_OPTION', names: ['dbUser'], omits },
      )
  })

  it('are checked at once for any length', () => {
    const checks = Object.values(tables).map(({ check }) => check)
    for (const unit of ['a', '-', 'a-', 'a.', '1', ' ', '\n', 'É'])
      for (const check of checks) thrownBy(() => check('theOption', unit.repeat(100_000)))
  })

  it('never throw anything but an option error, whatever the value', () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(tables)), fc.anything(), ({ check }, value) => {
        try {
          check('theOption', value)
        } catch (error) {
          expect(error).to.be.instanceOf(RedshiftCredentialsError)
        }
      }),
    )
  })

  it('of a workgroup are converted to a cluster identifier and back', () => {
    expect(serverlessClusterIdentifier('wg')).to.equal('redshift-serverless-wg')
    expect(serverlessWorkgroup('redshift-serverless-wg')).to.equal('wg')
    expect(serverlessWorkgroup('redshift-serverles-wg')).to.equal(undefined)
  })
})

describe('the user of a connection', () => {
  const rows: [string, ReturnType<typeof parseIamUser>][] = [
    ['alice', { prefix: undefined, name: 'alice', groups: [] }],
    ['IAM:alice', { prefix: 'IAM', name: 'alice', groups: [] }],
    ['IAMA:alice', { prefix: 'IAMA', name: 'alice', groups: [] }],
    ['IAMR:analyst', { prefix: 'IAMR', name: 'analyst', groups: [] }],
    ['IAMA:alice:analysts', { prefix: 'IAMA', name: 'alice', groups: ['analysts'] }],
    ['IAM:alice:a,b', { prefix: 'IAM', name: 'alice', groups: ['a', 'b'] }],
    ['IAMA:alice:', { prefix: 'IAMA', name: 'alice', groups: [] }],
    ['IAM:', { prefix: 'IAM', name: '', groups: [] }],
    ['iam:alice', { prefix: undefined, name: 'iam:alice', groups: [] }],
    ['IAMX:alice', { prefix: undefined, name: 'IAMX:alice', groups: [] }],
    ['XIAM:alice', { prefix: undefined, name: 'XIAM:alice', groups: [] }],
    ['IAM', { prefix: undefined, name: 'IAM', groups: [] }],
    ['', { prefix: undefined, name: '', groups: [] }],
  ]
  for (const [user, parts] of rows)
    it(`${quoted(user)} is parsed`, () => expect(parseIamUser(user)).to.deep.equal(parts))
})

describe('numbers and flags', () => {
  it('are integers within their bounds, inclusive', () => {
    const check: Check = (option, value) => checkInteger(option, value, 900, 3_600)
    for (const value of [900, 901, 3_599, 3_600]) check('durationSeconds', value)
    for (const value of [899, 3_601, 900.5, -900, 0, Number.NaN, Number.POSITIVE_INFINITY, '900', 900n, null, [900]])
      expectRefused(check, value, '900', '3600')
  })

  it('are booleans, and not strings from the environment', () => {
    checkBoolean('autoCreate', true)
    checkBoolean('autoCreate', false)
    for (const value of ['true', 'false', '', 0, 1, null]) expectRefused(checkBoolean, value, 'true', 'false')
  })
})

describe('options', () => {
  const method = async () => undefined
  const store = { identity: 'x', read: method, claim: method, write: method, release: method, remove: method }
  const bounds: { [option in keyof RedshiftOptions]-?: { good: unknown[]; bad: unknown[] } } = {
    host: { good: ['x', '127.0.0.1', '::1', '/var/run'], bad: ['', 5, null, {}] },
    port: { good: [1, 5439, 65_535], bad: [0, 65_536, 1.5, '5439', null] },
    database: { good: ['dev', '_staging', 'd'.repeat(65)], bad: ['', null, 1] },
    user: { good: ['IAM:alice', 'x'], bad: ['', 5, null] },
    ssl: { good: [true, false, {}, { servername: 'x' }], bad: ['require', 'false', 1, null] },
    clusterIdentifier: { good: ['c', 'c'.repeat(63)], bad: ['', 'c'.repeat(64), 'C', null] },
    workgroupName: { good: ['wgx', 'w'.repeat(64)], bad: ['', 'wg', 'w'.repeat(65), null] },
    customDomainName: { good: ['db.example.com'], bad: ['', 'db', 'db.example.com:5439', null] },
    dbUser: { good: ['alice', 'a'.repeat(64)], bad: ['', 'a'.repeat(65), 'IAM:alice', 'public', null] },
    dbName: { good: ['dev', '_staging', null], bad: ['', 1] },
    dbGroups: { good: [[], ['a'], ['a', 'b', 'a']], bad: ['a', ['A'], [''], [1], null, new Set(['a'])] },
    autoCreate: { good: [true, false], bad: ['true', 1, null] },
    durationSeconds: { good: [900, 3_600], bad: [899, 3_601, 900.5, Number.NaN, '900', null] },
    region: { good: ['us-west-2'], bad: ['', 'US-WEST-2', 'us-west-2a', null] },
    api: {
      good: ['GetClusterCredentials', 'GetClusterCredentialsWithIAM', 'GetCredentials', 'GetIdentityCenterAuthToken'],
      bad: ['getCredentials', '', 'DescribeClusters', null, 1],
    },
    aws: { good: [{}, { region: 'us-west-2' }, { send: async () => ({}) }], bad: ['default', null, 1, () => ({})] },
    identityProvider: {
      good: [
        { type: 'AwsIdc', token: method, tokenType: 'ACCESS_TOKEN' },
        { type: 'AwsIdc', token: method, tokenType: 'EXT_JWT', namespace: 'n', providerName: 'p' },
        { type: 'AzureAD', token: method },
        { type: 'Okta', token: method, tokenType: undefined },
      ],
      bad: [
        'token',
        null,
        [],
        {},
        { type: 'awsidc', token: method, tokenType: 'ACCESS_TOKEN' },
        { type: 'AwsIdc', token: method },
        { type: 'AwsIdc', token: 'secret', tokenType: 'ACCESS_TOKEN' },
        { type: 'AwsIdc', token: method, tokenType: 'SUBJECT_TOKEN' },
        { type: 'Okta', token: method, namespace: '' },
        { type: 'Okta', token: method, providerName: 5 },
        { type: 'Okta', token: method, tokens: method },
      ],
    },
    store: { good: [store], bad: ['redis://localhost', null, 1] },
    maxEntries: { good: [1, 1_000_000], bad: [0, 1_000_001, 1.5, '5', Number.POSITIVE_INFINITY] },
    fetchTimeoutMillis: { good: [1, 2_147_483_647], bad: [0, 2_147_483_648, -1, '15000'] },
    requireTls: { good: [true, false], bad: ['false', 0, null] },
  }
  const check = (options: object): void => checkOptions(options as RedshiftOptions)

  for (const [option, { good, bad }] of Object.entries(bounds)) {
    it(`${option} accepts values within its bounds, and undefined`, () => {
      for (const value of [...good, undefined]) check({ [option]: value })
    })
    it(`${option} rejects values outside its bounds, with the remedy`, () => {
      for (const value of bad) {
        const error = thrownBy(() => check({ [option]: value }))
        expectError(error, { code: 'ERR_REDSHIFT_OPTION' })
        // Not as a token: the name may be identityProvider.type.
        expect(error.message).to.include(option)
        // The message repeats a part of the value, or nothing.
        const isWhole = !Array.isArray(value) && option !== 'aws' && option !== 'identityProvider'
        if (isWhole) expect(error.message).to.include(quoted(value))
      }
    })
  }

  it('that do not exist are rejected, and the error lists those that do', () => {
    for (const unknown of ['clusterId', 'toString', '__proto__x', 'constructor']) {
      expectError(
        thrownBy(() => check({ [unknown]: 'hunter2' })),
        {
          code: 'ERR_REDSHIFT_OPTION',
          names: [quoted(unknown), 'clusterIdentifier', 'requireTls'],
          omits: ['hunter2'],
        },
      )
    }
    thrownBy(() => check(JSON.parse('{"__proto__": 1}')))
  })

  it('must be an object', () => {
    for (const options of [null, 'postgres://alice:hunter2@x/dev', 5, true])
      expectError(
        thrownBy(() => copyOptions(options as never)),
        { code: 'ERR_REDSHIFT_OPTION', names: [quoted(options), 'object'], omits: ['hunter2'] },
      )
  })

  it('name a cluster or a workgroup, not both', () => {
    expectError(
      thrownBy(() => check({ clusterIdentifier: 'c', workgroupName: 'wgx' })),
      { code: 'ERR_REDSHIFT_OPTION', names: ['clusterIdentifier', 'workgroupName'] },
    )
  })

  it('with AWS keys are never repeated', () => {
    expectError(
      thrownBy(() => check({ aws: 'AKIAIOSFODNN7EXAMPLE' })),
      { code: 'ERR_REDSHIFT_OPTION', names: ['aws', 'string'], omits: ['AKIA'] },
    )
  })
})

describe('a value in a message', () => {
  it('is one line, quoted and short', () => {
    expect(quoted('a\nb')).to.equal('"a\\nb"')
    expect(quoted('x'.repeat(1_000)))
      .to.have.lengthOf(98)
      .and.match(/…$/)
    expect(quoted(900.5)).to.equal('900.5')
    expect(quoted(undefined)).to.equal('undefined')
    expect(quoted(() => 'hunter2')).to.equal('a function')
    expect(quoted({ password: 'hunter2', toString: () => 'hunter2' })).to.equal('an object')
    expect(quoted(['hunter2'])).to.equal('an array')
  })

  it('contains neither user nor password of a connection string', () => {
    const shown = quoted('postgres://alice:hun@ter2/x@example.com:5439/dev')
    expect(shown).to.equal('"postgres://…@example.com:5439/dev"')
    expect(quoted('/alice:hunter2@example.com:5439/dev')).to.equal('"…@example.com:5439/dev"')
    expect(quoted('alice:hunter2@example.com/dev')).to.equal('"…@example.com/dev"')
    expect(quoted('alice:hunter2@example.com:5439')).to.equal('"…@example.com:5439"')
    for (const user of ['IAM:alice@example.com', 'IAMA:alice@example.com:analysts', 'alice@example.com'])
      expect(quoted(user)).to.equal(JSON.stringify(user))
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), value => quoted(value).length <= 100),
    )
    expect(optionError('x').code).to.equal('ERR_REDSHIFT_OPTION')
  })
})
