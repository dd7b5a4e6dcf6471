import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Fault, FaultScope, RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftErrorCode, type RedshiftOptions } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { expectError, rejection } from '../support/rejection.js'

const CLUSTER = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const WORKGROUP = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

describe('AWS', () => {
  let emulator: RedshiftEmulator
  const made: RedshiftCredentials[] = []

  before(async () => {
    emulator = await startEmulator({
      customDomains: { 'db.example.com': 'examplecluster', 'wg.example.com': 'analytics' },
      nextRefreshSeconds: 600,
    })
  })
  afterEach(async () => {
    await Promise.all(made.splice(0).map(credentials => credentials.close()))
    emulator.calls.length = 0
  })
  after(() => emulator.close())

  const create = (options: RedshiftOptions): RedshiftCredentials => {
    const credentials = new RedshiftCredentials({
      aws: { ...emulator.aws, maxAttempts: 1 },
      database: 'dev',
      ...options,
    })
    made.push(credentials)
    return credentials
  }
  const call = async (options: RedshiftOptions) => {
    const login = await create(options).get()
    return { login, call: emulator.calls.at(-1) }
  }

  describe('receives', () => {
    it('GetClusterCredentials with each of its parameters', async () => {
      const { login, call: sent } = await call({
        host: CLUSTER,
        customDomainName: 'db.example.com',
        dbUser: 'alice',
        dbGroups: ['writers', 'analysts', 'writers'],
        autoCreate: true,
        durationSeconds: 3_600,
      })
      expect(sent?.operation).to.equal('GetClusterCredentials')
      expect(sent?.parameters).to.deep.include({
        ClusterIdentifier: 'examplecluster',
        CustomDomainName: 'db.example.com',
        DbUser: 'alice',
        DbName: 'dev',
        AutoCreate: true,
        DurationSeconds: 3_600,
      })
      expect(sent?.parameters.DbGroups).to.deep.equal(['writers', 'analysts'])
      expect(login.user).to.equal('IAMA:alice:writers,analysts')
      expect(login.expiration.getTime() - Date.now()).to.be.within(3_500_000, 3_600_000)
      expect(login.nextRefreshTime).to.equal(undefined)
      expect(Object.isFrozen(login)).to.equal(true)
    })

    it('GetClusterCredentialsWithIAM for the IAM identity, or a role', async () => {
      for (const user of [undefined, 'IAMR:analyst']) {
        const { login, call: sent } = await call({ host: CLUSTER, durationSeconds: 1_800, user })
        expect(sent?.operation).to.equal('GetClusterCredentialsWithIAM')
        expect(sent?.parameters).to.deep.equal({
          ClusterIdentifier: 'examplecluster',
          DbName: 'dev',
          DurationSeconds: 1_800,
        })
        expect(login.user).to.equal('IAMR:analyst')
      }
    })

    it('GetCredentials for a workgroup, and its refresh time is used', async () => {
      const { login, call: sent } = await call({
        host: WORKGROUP,
        customDomainName: 'wg.example.com',
        durationSeconds: 900,
      })
      expect(sent?.operation).to.equal('GetCredentials')
      expect(sent?.region).to.equal('us-west-2')
      expect(sent?.parameters).to.deep.equal({
        workgroupName: 'analytics',
        customDomainName: 'wg.example.com',
        dbName: 'dev',
        durationSeconds: 900,
      })
      expect(login.user).to.equal('IAMR:analyst')
      expect((login.nextRefreshTime?.getTime() ?? 0) - Date.now()).to.be.within(590_000, 600_000)
    })

    it('GetClusterCredentials for a chosen user on serverless', async () => {
      const { login, call: sent } = await call({ host: WORKGROUP, dbUser: 'alice' })
      expect(sent?.operation).to.equal('GetClusterCredentials')
      expect(sent?.parameters).to.deep.include({ ClusterIdentifier: 'redshift-serverless-analytics', DbUser: 'alice' })
      expect(login.user).to.equal('IAM:alice')
    })

    it('a custom domain alone, if api names the operation', async () => {
      const { call: sent } = await call({
        customDomainName: 'db.example.com',
        region: 'us-west-2',
        api: 'GetClusterCredentials',
        dbUser: 'alice',
      })
      expect(sent?.parameters)
        .to.include({ CustomDomainName: 'db.example.com' })
        .and.not.have.property('ClusterIdentifier')
      expectError(await rejection(create({ customDomainName: 'db.example.com', region: 'us-west-2' }).get()), {
        code: 'ERR_REDSHIFT_TARGET',
        names: ['"db.example.com"', 'api'],
      })
    })

    it('no database if dbName is null', async () => {
      const { call: sent } = await call({ host: CLUSTER, dbName: null, dbUser: 'alice' })
      expect(sent?.parameters).not.to.have.property('DbName')
    })

    it('options from environment variables that may be undefined', async () => {
      const { call: sent } = await call({
        host: CLUSTER,
        dbUser: 'alice',
        region: undefined,
        dbGroups: undefined,
        durationSeconds: undefined,
      })
      expect(sent?.parameters).to.include({ DurationSeconds: 900 })
    })

    it('the options at construction, even if they change later', async () => {
      const options: RedshiftOptions = { aws: emulator.aws, host: CLUSTER, database: 'dev', dbUser: 'alice' }
      const credentials = new RedshiftCredentials(options)
      made.push(credentials)
      options.dbUser = 'bob'
      expect((await credentials.get()).user).to.equal('IAM:alice')
    })
  })

  describe('rejects, and the error contains the remedy:', () => {
    const provisioned: RedshiftOptions = { host: CLUSTER, dbUser: 'alice' }
    const serverless: RedshiftOptions = { host: WORKGROUP }
    const cases: [string, RedshiftOptions, Fault, RedshiftErrorCode, ...names: string[]][] = [
      [
        'a policy that does not allow GetClusterCredentials',
        provisioned,
        { kind: 'access-denied' },
        'ERR_REDSHIFT_ACCESS_DENIED',
        'redshift:GetClusterCredentials',
        'arn:aws:redshift:us-west-2:123456789012:dbuser:examplecluster/alice',
      ],
      [
        'a policy that does not allow GetCredentials',
        serverless,
        { kind: 'access-denied' },
        'ERR_REDSHIFT_ACCESS_DENIED',
        'redshift-serverless:GetCredentials',
        'arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/94caeb52-1baf-4471-5c89-e806d2673a83',
      ],
      [
        'an unsupported operation',
        provisioned,
        { kind: 'unsupported' },
        'ERR_REDSHIFT_UNSUPPORTED',
        'redshift:GetClusterCredentials',
        'api',
      ],
      ['throttling', provisioned, { kind: 'throttling' }, 'ERR_REDSHIFT_THROTTLED', 'RedshiftCredentials'],
      [
        'throttling of serverless',
        serverless,
        { kind: 'throttling' },
        'ERR_REDSHIFT_THROTTLED',
        'redshift-serverless:GetCredentials',
        'RedshiftCredentials',
      ],
      ['an internal error', provisioned, { kind: 'internal-error' }, 'ERR_REDSHIFT_UNAVAILABLE', 'HTTP 500'],
      [
        'an internal error of serverless',
        serverless,
        { kind: 'internal-error' },
        'ERR_REDSHIFT_UNAVAILABLE',
        'redshift-serverless:GetCredentials',
        'HTTP 500',
      ],
      ['a dropped connection', provisioned, { kind: 'reset' }, 'ERR_REDSHIFT_UNAVAILABLE', '(ECONNRESET)'],
      [
        'an unknown access key',
        provisioned,
        { kind: 'invalid-token' },
        'ERR_REDSHIFT_AWS_CREDENTIALS',
        '(InvalidClientTokenId)',
      ],
      [
        'a wrong secret key',
        provisioned,
        { kind: 'signature-mismatch' },
        'ERR_REDSHIFT_AWS_CREDENTIALS',
        '(SignatureDoesNotMatch)',
      ],
      ['an expired session', provisioned, { kind: 'expired-token' }, 'ERR_REDSHIFT_AWS_CREDENTIALS', 'aws.credentials'],
      [
        'an invalid parameter',
        serverless,
        { kind: 'validation', message: 'Bad workgroup.' },
        'ERR_REDSHIFT_OPTION',
        'Bad workgroup.',
        'workgroup "analytics"',
      ],
    ]
    for (const [what, options, fault, code, ...names] of cases)
      it(what, async () => {
        const scope: FaultScope = {}
        using _ = emulator.fail(fault, scope)
        const error = expectError(await rejection(create(options).get()), { code, names })
        expect(error.cause).to.be.instanceOf(Error)
      })

    it('a cluster or a workgroup that does not exist: name, region, and that names are case-sensitive', async () => {
      const cluster = await rejection(
        create({ clusterIdentifier: 'missing', region: 'us-west-2', dbUser: 'alice' }).get(),
      )
      const code = 'ERR_REDSHIFT_NOT_FOUND'
      expectError(cluster, { code, names: ['cluster "missing"', 'us-west-2', 'case-sensitive'] })
      const workgroup = await rejection(create({ workgroupName: 'missing', region: 'us-west-2' }).get())
      expectError(workgroup, { code, names: ['workgroup "missing"', 'us-west-2'] })
    })
  })

  describe('cannot be called', () => {
    const variables = [
      'AWS_CONFIG_FILE',
      'AWS_SHARED_CREDENTIALS_FILE',
      'AWS_EC2_METADATA_DISABLED',
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
    ] as const
    const before_ = Object.fromEntries(variables.map(name => [name, process.env[name]]))
    let folder: string

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pg-redshift-iam-'))
      const config = join(folder, 'config')
      await writeFile(
        config,
        '[profile ended]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = analyst\nregion = us-west-2\n' +
          '[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-west-2\n',
      )
      Object.assign(process.env, {
        AWS_CONFIG_FILE: config,
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
        AWS_EC2_METADATA_DISABLED: 'true',
      })
      delete process.env.AWS_REGION
      delete process.env.AWS_DEFAULT_REGION
    })
    after(async () => {
      for (const [name, value] of Object.entries(before_))
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      await rm(folder, { recursive: true })
    })

    it('without AWS credentials, and the error lists their sources', async () => {
      const error = await rejection(
        create({ host: CLUSTER, dbUser: 'alice', aws: { endpoint: emulator.endpoint } }).get(),
      )
      expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names: ['AWS_PROFILE', '`aws sso login`'] })
    })

    it('with an SSO session that was never opened, and the error contains the command that opens it', async () => {
      const error = await rejection(
        create({ host: CLUSTER, dbUser: 'alice', aws: { endpoint: emulator.endpoint, profile: 'ended' } }).get(),
      )
      expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names: ['`aws sso login --profile ended`'] })
    })

    it('without a region, and the error says where to set it', async () => {
      const error = await rejection(create({ clusterIdentifier: 'examplecluster', dbUser: 'alice' }).get())
      expectError(error, {
        code: 'ERR_REDSHIFT_TARGET',
        names: ['cluster "examplecluster"', 'region', 'AWS_REGION'],
      })
    })
  })

  it('is called through one SDK client per region, which is loaded on first use', async () => {
    let clients = 0
    const credentials = create({
      aws: {
        ...emulator.aws,
        // The SDK loads its credentials once per client.
        credentials: async () => {
          clients++
          return { ...emulator.aws.credentials, expiration: new Date(Date.now() + 3_600_000) }
        },
      },
    })
    expect(clients).to.equal(0)
    await Promise.all(['alice', 'bob', 'carol'].map(name => credentials.get({ host: CLUSTER, user: `IAM:${name}` })))
    expect(emulator.calls).to.have.length(3)
    expect(clients).to.equal(1)
  })
})
