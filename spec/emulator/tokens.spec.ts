import { GetIdentityCenterAuthTokenCommand as ProvisionedCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import {
  RedshiftServerlessClient,
  GetIdentityCenterAuthTokenCommand as ServerlessCommand,
} from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { errorFields, message, readMessage, startupPacket } from '../../lib/emulator/postgres/protocol.js'
import { connectSecurely } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('Tokens at the emulator', () => {
  let emulator: RedshiftEmulator
  let redshift: RedshiftClient
  let serverless: RedshiftServerlessClient

  before(async () => {
    emulator = await startEmulator()
    const config = { ...emulator.aws, region: 'us-west-2', maxAttempts: 1 }
    redshift = new RedshiftClient(config)
    serverless = new RedshiftServerlessClient(config)
  })
  afterEach(() => {
    emulator.logins.length = 0
  })
  after(async () => {
    redshift.destroy()
    serverless.destroy()
    await emulator.close()
  })

  /** Logs in with a token, and returns the session's user or the error. */
  const logIn = async (
    token: string,
    parameters: Record<string, string> = {},
    { zero = true, target = 'provisioned' } = {},
  ): Promise<string> => {
    const socket = await connectSecurely(emulator, emulator.poolConfig(target).host)
    try {
      const packet = { database: 'dev', idp_type: 'AwsIdc', token_type: 'ACCESS_TOKEN', ...parameters }
      socket.write(startupPacket(3 << 16, new Map(Object.entries(packet))))
      const request = await readMessage(socket)
      expect(request?.bytes).to.deep.equal(message('R', Buffer.from([0, 0, 0, 14])))
      socket.write(message('i', zero ? `${token}\0` : token))
      const response = await readMessage(socket)
      if (response?.type === 'E') return `${errorFields(response.body).get('C')} ${errorFields(response.body).get('M')}`
      return emulator.logins.at(-1)?.user ?? ''
    } finally {
      socket.destroy()
    }
  }

  it('are accepted with and without a zero byte at the end', async () => {
    const { token } = emulator.issueToken()
    for (const zero of [true, false]) expect(await logIn(token, {}, { zero })).to.equal('awsidc:alice@example.com')
    expect(await logIn(token, { identity_namespace: 'work' })).to.equal('work:alice@example.com')
  })

  it('are issued in both protocols, each for its clusters or workgroups', async () => {
    const now = Date.now()
    const one = await redshift.send(new ProvisionedCommand({ ClusterIds: ['examplecluster'] }))
    const other = await serverless.send(new ServerlessCommand({ workgroupNames: ['analytics'] }))
    for (const expiration of [one.ExpirationTime, other.expirationTime])
      expect(Number(expiration) - now).to.be.closeTo(3_600_000, 60_000)
    const type = { token_type: 'SUBJECT_TOKEN' }
    expect(await logIn(one.Token ?? '', type)).to.equal('awsidc:alice@example.com')
    expect(await logIn(other.token ?? '', type, { target: 'serverless' })).to.equal('awsidc:alice@example.com')
    expect(await logIn(one.Token ?? '', type, { target: 'serverless' })).to.match(/expired or invalid/)
  })

  it('are not issued for no cluster, an unknown one, or too many', async () => {
    for (const ClusterIds of [[], Array(21).fill('examplecluster')])
      expect((await rejection(redshift.send(new ProvisionedCommand({ ClusterIds })))).name).to.match(/Validation/)
    const unknown = await rejection(redshift.send(new ProvisionedCommand({ ClusterIds: ['examplecluster', 'none'] })))
    expect(unknown.name).to.match(/^ClusterNotFound/)
    const workgroup = await rejection(serverless.send(new ServerlessCommand({ workgroupNames: ['none'] })))
    expect(workgroup.name).to.equal('ResourceNotFoundException')
  })

  it("are rejected with Redshift's errors if expired, unknown, unreadable, of another type, or already used", async () => {
    const expired = '28000 Token credentials expired or invalid'
    const unreadable = '28000 invalid token'
    expect(await logIn(emulator.issueToken({ lifetimeSeconds: -1 }).token)).to.equal(expired)
    expect(await logIn('eyJh.b2Y.YW5vdGhlcg')).to.equal(expired)
    for (const token of ['', 'two words', 'a\nb']) expect(await logIn(token)).to.equal(unreadable)
    const { token } = emulator.issueToken()
    expect(await logIn(token, { token_type: 'EXT_JWT' })).to.equal(unreadable)
    expect(await logIn(token, { idp_type: 'Okta' })).to.equal(unreadable)
    expect(await logIn(token, { idp_type: 'Ping' })).to.equal('0A000 identity provider type "ping" is not supported')
    const once = emulator.issueToken({ tokenType: 'EXT_JWT' })
    expect(await logIn(once.token, { token_type: 'EXT_JWT' })).to.equal('awsidc:alice@example.com')
    expect(await logIn(once.token, { token_type: 'EXT_JWT' })).to.equal(expired)
    emulator.revokeLogins()
    expect(await logIn(token)).to.equal(expired)
    expect(emulator.logins.filter(({ ok }) => ok)).to.have.length(1)
  })
})
