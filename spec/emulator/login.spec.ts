import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { GetClusterCredentialsWithIAMCommand } from '@aws-sdk/client-redshift'
import { GetCredentialsCommand } from '@aws-sdk/client-redshift-serverless'
import { expect } from 'chai'
import pg from 'pg'
import type { EmulatorOptions, RedshiftEmulator } from '../../lib/emulator/index.js'
import { startupPacket } from '../../lib/emulator/postgres/protocol.js'
import { connect, connectSecurely, fetchLogin, redshift, SSL_REQUEST, serverless } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('A login at the emulator', () => {
  let emulator: RedshiftEmulator
  const start = async (options: EmulatorOptions = {}) => {
    emulator = await startEmulator(options)
  }
  afterEach(() => emulator.close())

  it('has a password with + / = and over 129 characters, sent in cleartext or as an MD5 hash', async () => {
    for (const authentication of ['cleartext', 'md5'] as const) {
      await start({ authentication })
      const login = await fetchLogin(emulator)
      expect(login.password)
        .to.have.length.above(129)
        .and.match(/\+.*\/.*=/)
      await (await connect(emulator, login)).end()
      const error = await rejection(connect(emulator, { ...login, password: 'wrong' }))
      expect(error).to.include({ code: '28000', message: 'password authentication failed for user "IAMA:alice"' })
      if (authentication === 'cleartext') await emulator.close()
    }
  })

  it('fails without TLS before the password is requested', async () => {
    await start()
    const login = await fetchLogin(emulator)
    let asked = false
    const password = () => {
      asked = true
      return login.password
    }
    const client = connect(emulator, login, { ssl: false, password })
    expect(await rejection(client)).to.include({
      code: '28000',
      message: 'password authentication failed for user "IAMA:alice"',
    })
    expect(asked).to.equal(false)
    expect(emulator.logins[0]).to.include({ tls: false, ok: false, sqlstate: '28000' })
  })

  it('is valid at the same time as others of its user', async () => {
    await start()
    const older = await fetchLogin(emulator)
    const newer = await fetchLogin(emulator)
    for (const login of [newer, older]) await (await connect(emulator, login)).end()
    expect(emulator.logins.map(({ serial, ok }) => ({ serial, ok }))).to.deep.equal([
      { serial: 2, ok: true },
      { serial: 1, ok: true },
    ])
  })

  it('fails when it has expired, while open sessions continue', async () => {
    await start({ lifetimeSeconds: 10 })
    const login = await fetchLogin(emulator)
    const session = await connect(emulator, login)
    await new Promise(resolve => setTimeout(resolve, login.expiration.getTime() - Date.now() + 1))
    const error = await rejection(connect(emulator, login))
    expect(error).to.include({ code: '28000', message: 'IAM Authentication token has expired' })
    expect(emulator.logins.at(-1)).to.include({ serial: 1, ok: false, sqlstate: '28000' })
    expect((await session.query('SELECT 1 AS one')).rows).to.deep.equal([{ one: 1 }])
    await session.end()
  })

  it('is valid for its own user only', async () => {
    await start()
    const { password } = await fetchLogin(emulator)
    await fetchLogin(emulator, { DbUser: 'bob' })
    expect((await rejection(connect(emulator, { user: 'IAMA:bob', password }))).code).to.equal('28000')
  })

  it('is valid for its own database only, or for every database without one', async () => {
    await start({ databases: ['dev', 'sales'] })
    const forDev = await fetchLogin(emulator, { DbName: 'dev' })
    await (await connect(emulator, forDev)).end()
    expect((await rejection(connect(emulator, forDev, { database: 'sales' }))).code).to.equal('28000')
    const forAll = await fetchLogin(emulator)
    await (await connect(emulator, forAll, { database: 'sales' })).end()
  })

  it('is valid for its own cluster or workgroup only, by any of its names', async () => {
    const first = 'one.abc123xyz789.us-west-2.redshift.amazonaws.com'
    const second = 'two.abc123xyz789.us-west-2.redshift.amazonaws.com'
    await start({ hosts: [first, second], customDomains: { 'db.example.com': 'one' } })
    const login = await fetchLogin(emulator, { ClusterIdentifier: 'one' })
    await (await connect(emulator, login, { host: first })).end()
    await (await connect(emulator, login, { host: 'db.example.com' })).end()
    await (await connect(emulator, login, { host: 'localhost' })).end()
    for (const host of [second, second.toUpperCase()])
      expect((await rejection(connect(emulator, login, { host }))).code).to.equal('28000')
  })

  it('fails for a database that does not exist, after the password was accepted', async () => {
    await start()
    const login = await fetchLogin(emulator)
    const client = new pg.Client({ ...emulator.poolConfig(), ...login, database: 'nowhere' })
    let accepted = false
    Reflect.get(client, 'connection').once('authenticationOk', () => {
      accepted = true
    })
    const error = await rejection(client.connect())
    expect(accepted).to.equal(true)
    expect(error).to.include({ code: '3D000', message: 'database "nowhere" does not exist' })
    expect(emulator.logins[0]).to.include({ ok: false, sqlstate: '3D000', serial: 1 })
  })

  it('fails for a user who does not exist, until a login with AutoCreate has created it', async () => {
    await start({ users: ['alice'] })
    const plain = { DbUser: 'carol', AutoCreate: false }
    await (await connect(emulator, await fetchLogin(emulator, { DbUser: 'alice', AutoCreate: false }))).end()
    const carol = await fetchLogin(emulator, plain)
    expect(await rejection(connect(emulator, carol))).to.include({
      code: '42704',
      message: 'user "IAM:carol" does not exist',
    })
    await (await connect(emulator, await fetchLogin(emulator, { ...plain, AutoCreate: true }))).end()
    await (await connect(emulator, carol)).end()
  })

  it('fails after it was revoked, while open sessions continue and new logins work', async () => {
    await start()
    const login = await fetchLogin(emulator)
    const session = await connect(emulator, login)
    emulator.revokeLogins()
    expect((await rejection(connect(emulator, login))).code).to.equal('28000')
    await session.query('SELECT 1')
    await session.end()
    await (await connect(emulator, await fetchLogin(emulator))).end()
  })

  it('has the name that AWS chooses, in both APIs', async () => {
    await start({ identity: 'IAMR:engineer' })
    const withIam = await redshift(emulator).send(
      new GetClusterCredentialsWithIAMCommand({ ClusterIdentifier: 'examplecluster' }),
    )
    const credentials = await serverless(emulator).send(new GetCredentialsCommand({ workgroupName: 'analytics' }))
    const logins = [
      [withIam.DbUser, withIam.DbPassword, 'provisioned'],
      [credentials.dbUser, credentials.dbPassword, 'serverless'],
    ] as const
    for (const [user = '', password = '', kind] of logins) {
      const client = await connect(emulator, { user, password }, emulator.poolConfig(kind))
      expect((await client.query('SELECT current_user::text AS name')).rows).to.deep.equal([{ name: 'IAMR:engineer' }])
      await client.end()
    }
  })

  it('can have a name longer than PostgreSQL allows, and two of them differ', async () => {
    await start()
    const names: string[] = []
    for (const group of ['readers', 'writers']) {
      const login = await fetchLogin(emulator, { DbUser: 'a'.repeat(64), DbGroups: [group] })
      const client = await connect(emulator, login)
      names.push((await client.query('SELECT current_user::text AS name')).rows[0].name)
      await client.end()
    }
    expect(new Set(names).size).to.equal(2)
  })

  it('can have a long name that is not in ASCII, and two of them differ', async () => {
    await start()
    const names: string[] = []
    for (const end of ['a', 'b']) {
      emulator.identity = `IAMR:x${'ü'.repeat(40)}${end}`
      const { dbUser: user = '', dbPassword: password = '' } = await serverless(emulator).send(
        new GetCredentialsCommand({ workgroupName: 'analytics' }),
      )
      const client = await connect(emulator, { user, password }, emulator.poolConfig('serverless'))
      names.push((await client.query('SELECT current_user::text AS name')).rows[0].name)
      await client.end()
    }
    expect(new Set(names).size).to.equal(2)
  })

  it('forwards the client’s other start-up parameters', async () => {
    await start()
    const client = await connect(emulator, await fetchLogin(emulator), {
      application_name: 'the spec',
      options: '-c statement_timeout=1234',
    })
    const { rows } = await client.query(
      `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS t`,
    )
    await client.end()
    expect(rows).to.deep.equal([{ name: 'the spec', t: '1234ms' }])
  })

  it('accepts cancel requests, with and without TLS', async () => {
    await start()
    const client = await connect(emulator, await fetchLogin(emulator))
    for (const secure of [true, false]) {
      const query = rejection(client.query('SELECT pg_sleep(60)'))
      const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
      const packet = Buffer.alloc(16)
      for (const [i, word] of [16, 80_877_102, processID, secretKey].entries()) packet.writeInt32BE(word, 4 * i)
      // The query may not have reached the server yet. Then the cancel request has no effect.
      const again = setInterval(() => void sendCancel(emulator, packet, secure), 50)
      expect((await query).code).to.equal('57014')
      clearInterval(again)
    }
    await client.end()
  })

  it('declines GSS encryption, and continues', async () => {
    await start()
    const socket = connectSocket(emulator.address.port, emulator.address.host)
    socket.write(request(80_877_104))
    expect(String(await firstBytes(socket))).to.equal('N')
    socket.write(SSL_REQUEST)
    expect(String(await firstBytes(socket))).to.equal('S')
    socket.destroy()
  })

  it('fails if the client starts with TLS or with anything else', async () => {
    await start()
    const { host, port } = emulator.address
    const direct = connectTls({ host, port, ca: emulator.ca, ALPNProtocols: ['postgresql'] })
    expect((await rejection(once(direct, 'secureConnect'))).code).to.equal('ECONNRESET')
    const stranger = connectSocket(port, host)
    stranger.write('GET / HTTP/1.1\r\n\r\n')
    await once(stranger.resume(), 'close')
    expect(emulator.logins).to.deep.equal([])
  })

  it('fails if unencrypted data follows the request for TLS', async () => {
    await start()
    const socket = connectSocket(emulator.address.port, emulator.address.host)
    const received: Buffer[] = []
    socket.on('data', bytes => received.push(bytes))
    socket.write(Buffer.concat([SSL_REQUEST, SSL_REQUEST]))
    await once(socket, 'close')
    expect(Buffer.concat(received).toString()).to.equal('')
  })

  it('fails with an error message for a start-up packet without a user', async () => {
    await start()
    const socket = connectSocket(emulator.address.port, emulator.address.host)
    socket.write(startupPacket(3 << 16, new Map([['database', 'dev']])))
    expect(String(await firstBytes(socket))).to.include('no PostgreSQL user name specified in startup packet')
    socket.destroy()
  })

  it('fails with an error message for an old protocol', async () => {
    await start()
    const socket = connectSocket(emulator.address.port, emulator.address.host)
    socket.write(request(2 << 16))
    expect(String(await firstBytes(socket))).to.include('unsupported frontend protocol 2.0')
    socket.destroy()
  })

  it('transfers data of any size in both directions, with back-pressure', async () => {
    await start()
    const client = await connect(emulator, await fetchLogin(emulator))
    const value = 'x'.repeat(8 << 20)
    const { rows } = await client.query('SELECT length($1::text) AS sent, $1::text AS back', [value])
    await client.end()
    expect(rows[0].sent).to.equal(value.length)
    expect(rows[0].back === value).to.equal(true)
  })
})

function request(code: number): Buffer {
  const packet = Buffer.alloc(8)
  packet.writeInt32BE(8, 0)
  packet.writeInt32BE(code, 4)
  return packet
}

async function firstBytes(socket: Socket): Promise<Buffer> {
  const [bytes] = await once(socket, 'data')
  return bytes
}

async function sendCancel(emulator: RedshiftEmulator, packet: Buffer, secure: boolean): Promise<void> {
  const { host, port } = emulator.address
  const socket = secure ? await connectSecurely(emulator) : connectSocket(port, host)
  socket.on('error', () => {})
  socket.write(packet)
  // The server closes the connection when it is done.
  await once(socket.resume(), 'close')
}
