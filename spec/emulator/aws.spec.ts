import { request } from 'node:http'
import {
  DescribeClustersCommand,
  GetClusterCredentialsCommand,
  type GetClusterCredentialsCommandInput,
  GetClusterCredentialsWithIAMCommand,
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
  afterEach(() => emulator.close())

  it('names users as AWS does', async () => {
    await start()
    const user = async (parameters: Partial<GetClusterCredentialsCommandInput>) =>
      (await fetchLogin(emulator, parameters)).user
    expect(await user({ AutoCreate: false })).to.equal('IAM:alice')
    expect(await user({ AutoCreate: true })).to.equal('IAMA:alice')
    expect(await user({ DbGroups: ['readers'] })).to.equal('IAMA:alice:readers')
    expect(await user({ AutoCreate: false, DbGroups: ['readers'] })).to.equal('IAMA:alice:readers')
    expect(await user({ DbGroups: ['readers', 'writers'] })).to.equal('IAMA:alice:readers,writers')
  })

  it('gives logins the lifetime that was asked for, 15 minutes if none was', async () => {
    await start()
    for (const [asked, given] of [
      [undefined, 900],
      [900, 900],
      [3600, 3600],
    ] as const) {
      const before = Date.now()
      const { expiration } = await fetchLogin(emulator, { DurationSeconds: asked })
      expect(expiration.getTime() - given * 1000).to.be.within(before, Date.now())
    }
  })

  it('gives shorter ones as told, but no longer ones', async () => {
    await start({ lifetimeSeconds: 1000 })
    for (const [asked, given] of [
      [900, 900],
      [3600, 1000],
    ] as const) {
      const before = Date.now()
      const { expiration } = await fetchLogin(emulator, { DurationSeconds: asked })
      expect(expiration.getTime() - given * 1000).to.be.within(before, Date.now())
    }
  })

  it('says when to refresh as told: at expiry, after so many seconds, or not at all', async () => {
    for (const [nextRefreshSeconds, given] of [
      [undefined, 900],
      [300, 300],
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

  it('chooses the user by who asks, where AWS does', async () => {
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

  it('knows a workgroup as a cluster too, by the name that AWS’s drivers use', async () => {
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
    expect(unknown.name).to.equal('ClusterNotFoundFault')
    const another = await refused({ CustomDomainName: 'wg.example.com' })
    expect(another.name).to.equal('ClusterNotFoundFault')
  })

  it('knows a cluster or workgroup only by its name, and only in its region', async () => {
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
      message: 'Workgroup unknown not found.',
    })
    expect(emulator.calls.map(({ status }) => status)).to.deep.equal([404, 404, 200, 400])
  })

  it('describes clusters and workgroups: host name and port', async () => {
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

  it('checks parameters', async () => {
    await start()
    for (const [parameters, complaint] of [
      [{ DurationSeconds: 899 }, "Value '899' at 'durationSeconds'"],
      [{ DurationSeconds: 3601 }, "Value '3601' at 'durationSeconds'"],
      [{ DbUser: '' }, "Value null at 'dbUser'"],
      [{ DbUser: '1alice' }, "Value '1alice' at 'dbUser'"],
      [{ DbUser: 'IAM:alice' }, "Value 'IAM:alice' at 'dbUser'"],
      [{ DbUser: 'public' }, "Value 'public' at 'dbUser'"],
      [{ DbName: 'a/b' }, "Value 'a/b' at 'dbName'"],
      [{ DbGroups: ['Readers'] }, "Value 'Readers' at 'dbGroups'"],
      [{ ClusterIdentifier: undefined }, 'Either ClusterIdentifier or a custom domain name'],
    ] as const) {
      const error = await refused(parameters as Partial<GetClusterCredentialsCommandInput>)
      expect(error.name).to.equal('ValidationError')
      expect(error.message).to.include(complaint)
    }
    const short = serverless(emulator).send(
      new GetCredentialsCommand({ workgroupName: 'analytics', durationSeconds: 60 }),
    )
    expect((await rejection(short)).name).to.equal('ValidationException')
  })

  it('answers unsigned requests and unknown operations as AWS does', async () => {
    await start()
    const unsigned = await post(emulator.endpoint, {}, 'Action=DescribeClusters&Version=2012-12-01')
    expect(unsigned).to.deep.include({ status: 403 })
    expect(unsigned.body).to.include('<Code>MissingAuthenticationToken</Code>')
    const unknown = await post(emulator.endpoint, {}, 'Action=RebootCluster&Version=2012-12-01')
    expect(unknown.body).to.include('<Code>InvalidAction</Code>')
    expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal(['DescribeClusters'])
  })

  it('refuses what was signed by a clock that is 5 minutes off', async () => {
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
