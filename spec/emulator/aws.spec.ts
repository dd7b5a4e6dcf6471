import { request } from 'node:http'
import {
  DescribeClustersCommand,
  DescribeCustomDomainAssociationsCommand,
  GetClusterCredentialsCommand,
  type GetClusterCredentialsCommandInput,
  GetClusterCredentialsWithIAMCommand,
  GetIdentityCenterAuthTokenCommand,
} from '@aws-sdk/client-redshift'
import { GetCredentialsCommand, GetWorkgroupCommand } from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { fetchLogin, redshift, serverless } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('The emulated AWS', () => {
  let emulator: RedshiftEmulator
  const start = async (options: EmulatorOptions = {}) => {
    emulator = await startEmulator(options)
  }
  const refused = (parameters: Partial<GetClusterCredentialsCommandInput>) =>
    rejection(fetchLogin(emulator, parameters))
  const expectLifetime = async (DurationSeconds: number | undefined, seconds: number) => {
    const before = Date.now()
    const { expiration } = await fetchLogin(emulator, { DurationSeconds })
    expect(expiration.getTime() - seconds * 1000).to.be.within(before, Date.now())
  }
  afterEach(() => emulator.close())

  it('returns user names with the prefixes of AWS', async () => {
    await start()
    const user = async (parameters: Partial<GetClusterCredentialsCommandInput>) =>
      (await fetchLogin(emulator, parameters)).user
    expect(await user({ AutoCreate: false })).to.equal('IAM:alice')
    expect(await user({ AutoCreate: true })).to.equal('IAMA:alice')
    expect(await user({ DbGroups: ['readers'] })).to.equal('IAMA:alice:readers')
    expect(await user({ AutoCreate: false, DbGroups: ['readers'] })).to.equal('IAMA:alice:readers')
    expect(await user({ DbGroups: ['readers', 'writers'] })).to.equal('IAMA:alice:readers,writers')
  })

  it('issues logins for the requested lifetime, by default for 15 minutes', async () => {
    await start()
    await expectLifetime(undefined, 900)
    await expectLifetime(900, 900)
    await expectLifetime(3600, 3600)
  })

  it('shortens lifetimes to lifetimeSeconds, and never extends them', async () => {
    await start({ lifetimeSeconds: 1000 })
    await expectLifetime(900, 900)
    await expectLifetime(3600, 1000)
  })

  it('returns nextRefreshTime at expiry, before or after it, or not at all', async () => {
    for (const [nextRefreshSeconds, given] of [
      [undefined, 900],
      [300, 300],
      [1200, 1200],
      [null, undefined],
    ] as const) {
      await start({ nextRefreshSeconds })
      const before = Date.now()
      const workgroup = await serverless(emulator).send(new GetCredentialsCommand({ workgroupName: 'analytics' }))
      const cluster = await redshift(emulator).send(
        new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster' }),
      )
      for (const time of [workgroup.nextRefreshTime, cluster.NextRefreshTime]) {
        if (given === undefined) expect(time).to.equal(undefined)
        else expect((time?.getTime() ?? 0) - given * 1000).to.be.within(before, Date.now())
      }
      await emulator.close()
    }
  })

  it('repeats a login for samePasswordSeconds, and no other login', async () => {
    await start({ samePasswordSeconds: 3600 })
    const first = await fetchLogin(emulator)
    expect(await fetchLogin(emulator)).to.deep.equal(first)
    for (const different of [
      { DbUser: 'bob' },
      { DbName: 'dev' },
      { DbGroups: ['readers'] },
      { DurationSeconds: 1200 },
    ]) {
      expect((await fetchLogin(emulator, different)).password).not.to.equal(first.password)
    }
    emulator.revokeLogins()
    expect((await fetchLogin(emulator)).password).not.to.equal(first.password)
  })

  it('issues separate logins and tokens for clusters of the same name in two regions', async () => {
    const regions = ['us-west-2', 'eu-west-1']
    const hosts = regions.map(region => `sales.abc123xyz789.${region}.redshift.amazonaws.com`)
    await start({ hosts, samePasswordSeconds: 3600 })
    const login = new GetClusterCredentialsCommand({ ClusterIdentifier: 'sales', DbUser: 'alice' })
    const token = new GetIdentityCenterAuthTokenCommand({ ClusterIds: ['sales'] })
    using _ = emulator.fail({ kind: 'same-expiry', samePassword: true }, { operation: 'GetIdentityCenterAuthToken' })
    const secrets = new Set<string | undefined>()
    for (const region of regions) {
      secrets.add((await redshift(emulator, { region }).send(login)).DbPassword)
      secrets.add((await redshift(emulator, { region }).send(token)).Token)
    }
    expect(secrets.size).to.equal(4)
  })

  it('chooses the user by access key where AWS chooses it', async () => {
    await start({ identity: 'IAMR:engineer', identities: { AKIAOTHER: 'IAM:bob' } })
    const command = new GetCredentialsCommand({ workgroupName: 'analytics' })
    expect((await serverless(emulator).send(command)).dbUser).to.equal('IAMR:engineer')
    emulator.identity = 'IAMR:manager'
    expect((await serverless(emulator).send(command)).dbUser).to.equal('IAMR:manager')
    const other = serverless(emulator)
    other.config.credentials = async () => ({ accessKeyId: 'AKIAOTHER', secretAccessKey: 'secret' })
    expect((await other.send(command)).dbUser).to.equal('IAM:bob')
    expect(emulator.calls.at(-1)?.accessKeyId).to.equal('AKIAOTHER')
  })

  it('accepts a workgroup as a cluster, by the name that AWS’s drivers use', async () => {
    await start()
    const { user } = await fetchLogin(emulator, { ClusterIdentifier: 'redshift-serverless-analytics' })
    expect(user).to.equal('IAMA:alice')
    const error = await refused({ ClusterIdentifier: 'redshift-serverless-unknown' })
    expect(error.name).to.equal('ClusterNotFoundFault')
  })

  it('finds clusters and workgroups by custom domain name', async () => {
    await start({ customDomains: { 'db.example.com': 'examplecluster', 'wg.example.com': 'analytics' } })
    await fetchLogin(emulator, { ClusterIdentifier: undefined, CustomDomainName: 'db.example.com' })
    await fetchLogin(emulator, { CustomDomainName: 'db.example.com' })
    await serverless(emulator).send(new GetCredentialsCommand({ customDomainName: 'wg.example.com' }))
    const unknown = await refused({ ClusterIdentifier: undefined, CustomDomainName: 'other.example.com' })
    expect(unknown.message).to.equal('To use get credentials, you must provide an active custom domain name.')
    const otherApi = await refused({ ClusterIdentifier: undefined, CustomDomainName: 'wg.example.com' })
    expect(otherApi.message).to.equal(unknown.message)
    const ofCluster = new GetCredentialsCommand({ customDomainName: 'db.example.com' })
    expect((await rejection(serverless(emulator).send(ofCluster))).message).to.equal(unknown.message)
    const another = await refused({ CustomDomainName: 'wg.example.com' })
    expect(another.name).to.equal('ClusterNotFoundFault')
    const command = new GetClusterCredentialsCommand({ CustomDomainName: 'db.example.com', DbUser: 'alice' })
    const elsewhere = await rejection(redshift(emulator, { region: 'eu-west-1' }).send(command))
    expect(elsewhere.name).to.equal('ClusterNotFoundFault')
  })

  it('finds a cluster or workgroup only by its own name and in its own region', async () => {
    await start()
    expect(await refused({ ClusterIdentifier: 'unknown' })).to.include({
      name: 'ClusterNotFoundFault',
      message: 'Cluster unknown not found.',
    })
    const command = new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice' })
    const elsewhere = await rejection(redshift(emulator, { region: 'eu-west-1' }).send(command))
    expect(elsewhere).to.have.property('name', 'ClusterNotFoundFault')
    const { Clusters } = await redshift(emulator, { region: 'eu-west-1' }).send(new DescribeClustersCommand({}))
    expect(Clusters).to.deep.equal([])
    const workgroup = new GetCredentialsCommand({ workgroupName: 'unknown' })
    expect(await rejection(serverless(emulator).send(workgroup))).to.include({
      name: 'ResourceNotFoundException',
      message: 'Serverless workgroup unknown not found.',
    })
    expect(emulator.calls.map(({ status }) => status)).to.deep.equal([404, 404, 200, 400])
  })

  it('describes clusters and workgroups with host name and port', async () => {
    await start({ customDomains: { 'db.example.com': 'examplecluster' } })
    const { port } = emulator.address
    const clusters = await redshift(emulator).send(new DescribeClustersCommand({ ClusterIdentifier: 'examplecluster' }))
    expect(clusters.Clusters).to.have.length(1)
    expect(clusters.Clusters?.[0]).to.deep.include({
      ClusterIdentifier: 'examplecluster',
      ClusterStatus: 'available',
      CustomDomainName: 'db.example.com',
      Endpoint: { Address: emulator.poolConfig().host, Port: port },
    })
    const { workgroup } = await serverless(emulator).send(new GetWorkgroupCommand({ workgroupName: 'analytics' }))
    expect(workgroup).to.deep.include({ status: 'AVAILABLE', port })
    expect(workgroup?.endpoint).to.deep.equal({ address: emulator.poolConfig('serverless').host, port })
    const unknown = redshift(emulator).send(new DescribeClustersCommand({ ClusterIdentifier: 'unknown' }))
    expect((await rejection(unknown)).name).to.equal('ClusterNotFoundFault')
  })

  it('validates parameters', async () => {
    await start()
    for (const [parameters, complaint] of [
      [{ DbUser: '' }, "Value null at 'dbUser'"],
      [{ DbUser: '1alice' }, "Value '1alice' at 'dbUser'"],
      [{ DbUser: 'IAM:alice' }, "Value 'IAM:alice' at 'dbUser'"],
      [{ DbUser: 'public' }, "Value 'public' at 'dbUser'"],
      [{ DbUser: 'select' }, "Value 'select' at 'dbUser'"],
      [{ DbName: 'a/b' }, "Value 'a/b' at 'dbName'"],
      [{ DbName: 'Table' }, "Value 'Table' at 'dbName'"],
      [{ DbGroups: ['user'] }, "Value 'user' at 'dbGroups'"],
      [{ DbGroups: ['Readers'] }, "Value 'Readers' at 'dbGroups'"],
      [{ ClusterIdentifier: undefined }, 'Either ClusterIdentifier or a custom domain name'],
    ] as const) {
      const error = await refused(parameters as Partial<GetClusterCredentialsCommandInput>)
      expect(error.name).to.equal('ValidationError')
      expect(error.message).to.include(complaint)
    }
  })

  it('accepts every database name in GetClusterCredentialsWithIAM, for which AWS documents no rule', async () => {
    await start()
    for (const DbName of ['1db', 'my$db', 'd'.repeat(70), 'table']) {
      const command = new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster', DbName })
      expect((await redshift(emulator).send(command)).DbUser).to.equal('IAMR:analyst')
    }
  })

  it('rejects a duration that is out of range', async () => {
    await start()
    const message = 'Token duration must be between 900 and 3600 seconds'
    for (const DurationSeconds of [899, 3601]) {
      expect(await refused({ DurationSeconds })).to.include({ name: 'InvalidParameterValue', message })
    }
    const short = serverless(emulator).send(
      new GetCredentialsCommand({ workgroupName: 'analytics', durationSeconds: 60 }),
    )
    expect(await rejection(short)).to.include({ name: 'ValidationException', message })
  })

  it('describes custom domain names, and finds no cluster by tag', async () => {
    await start({ customDomains: { 'db.example.com': 'examplecluster', 'wg.example.com': 'analytics' } })
    const { Associations } = await redshift(emulator).send(new DescribeCustomDomainAssociationsCommand({}))
    expect(Associations?.map(one => one.CertificateAssociations)).to.deep.equal([
      [{ CustomDomainName: 'db.example.com', ClusterIdentifier: 'examplecluster' }],
    ])
    const CustomDomainName = 'other.example.com'
    const unknown = redshift(emulator).send(new DescribeCustomDomainAssociationsCommand({ CustomDomainName }))
    expect((await rejection(unknown)).name).to.equal('CustomDomainAssociationNotFoundFault')
    const tagged = await redshift(emulator).send(new DescribeClustersCommand({ TagKeys: ['team'], TagValues: ['a'] }))
    expect(tagged.Clusters).to.deep.equal([])
  })

  it('describes a cluster or workgroup without an endpoint while it is being created', async () => {
    await start()
    emulator.fail({ kind: 'creating' })
    const { Clusters } = await redshift(emulator).send(new DescribeClustersCommand({}))
    expect(Clusters?.[0]).to.include({ ClusterStatus: 'creating' }).and.not.to.have.property('Endpoint')
    const { workgroup } = await serverless(emulator).send(new GetWorkgroupCommand({ workgroupName: 'analytics' }))
    expect(workgroup).to.include({ status: 'CREATING' }).and.not.to.have.property('endpoint')
    await fetchLogin(emulator)
  })

  it('returns the caller as an assumed role with its session, or as an IAM user', async () => {
    await start({ identities: { AKIAOTHER: 'IAM:bob' } })
    const ask = (accessKeyId: string) => {
      const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
      const scope = `${accessKeyId}/${date.slice(0, 8)}/us-west-2/sts/aws4_request`
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=x-amz-date, Signature=0`
      return post(
        emulator.endpoint,
        { authorization, 'x-amz-date': date },
        'Action=GetCallerIdentity&Version=2011-06-15',
      )
    }
    const role = await ask('AKIAEMULATOR')
    expect(role.body).to.match(/<UserId>AROA\w+:session</)
    expect(role.body).to.include(':assumed-role/analyst/session<')
    const user = await ask('AKIAOTHER')
    expect(user.body).to.match(/<UserId>AIDA\w+</)
    emulator.fail({ kind: 'access-denied' }, { operation: 'GetCallerIdentity' })
    const denied = await ask('AKIAOTHER')
    expect(denied.body).to.include('/bob is not authorized to perform: sts:GetCallerIdentity</Message>')
  })

  it('rejects unsigned requests and unknown operations', async () => {
    await start()
    const unsigned = await post(emulator.endpoint, {}, 'Action=DescribeClusters&Version=2012-12-01')
    expect(unsigned).to.deep.include({ status: 403 })
    expect(unsigned.body).to.include('<Code>MissingAuthenticationToken</Code>')
    const unknown = await post(emulator.endpoint, {}, 'Action=RebootCluster&Version=2012-12-01')
    expect(unknown.body).to.include('<Code>InvalidAction</Code>')
    expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal(['DescribeClusters'])
  })

  it('rejects a signature whose date is more than 5 minutes off', async () => {
    await start()
    for (const [offset, message] of [
      [-400_000, /^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/],
      [400_000, /^Signature not yet current: /],
    ] as const) {
      const client = redshift(emulator)
      client.config.systemClockOffset = offset
      const error = await rejection(client.send(new DescribeClustersCommand({})))
      expect(error.name).to.equal('SignatureDoesNotMatch')
      expect(error.message).to.match(message)
    }
    const client = redshift(emulator)
    client.config.systemClockOffset = 200_000
    await client.send(new DescribeClustersCommand({}))
  })
})

function post(url: string, headers: Record<string, string>, body: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers }, async incoming => {
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk)
      resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
    })
    outgoing.on('error', reject).end(body)
  })
}
