import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import fc from 'fast-check'
import type pg from 'pg'
import { certificateFor } from '../../lib/emulator/gateway/certificate.js'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftCredentialsError, type RedshiftPgClient } from '../../lib/index.js'
import type { Secret } from '../../lib/pg/authentication.js'
import { clientClass } from '../../lib/pg/client.js'
import { interceptAuthentication } from '../../lib/pg/handshake.js'
import { startEmulator } from '../support/emulator.js'
import { pgProtocolVersions, pgVersions } from '../support/pg-versions.js'
import { expectError, rejection } from '../support/rejection.js'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.js'
import { noSockets } from '../support/until.js'

const int32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => {
    bytes.writeInt32BE(value, 4 * index)
  })
  return bytes
}
const message = (type: string, ...parts: (Buffer | string)[]): Buffer => {
  const body = Buffer.concat(parts.map(part => Buffer.from(part as string)))
  return Buffer.concat([Buffer.from(type), int32(4 + body.length), body])
}
const OK = message('R', int32(0))
const digestRequest = (salt: Buffer, nonce: Buffer, algorithm = 0): Buffer =>
  message('R', int32(13, algorithm, salt.length), salt, int32(nonce.length), nonce)
const REFUSAL = message('E', 'SFATAL\0C28000\0Mno\0\0')

/** What a broken server may send instead of an authentication request. */
const malformed: Record<string, Buffer> = {
  'a request without a code': message('R'),
  'an incomplete code': message('R', Buffer.of(0, 0, 0)),
  'AuthenticationOk with trailing data': message('R', int32(0, 0)),
  'a request for clear text with trailing data': message('R', int32(3, 3)),
  'MD5 without its salt': message('R', int32(5)),
  'MD5 with a salt that is too long': message('R', int32(5, 1, 1)),
  'SASL without the end of its list': message('R', int32(10), 'SCRAM-SHA-256\0'),
  'an empty digest request': message('R', int32(13)),
  'a digest without its salt': message('R', int32(13, 0)),
  'a digest with a salt longer than the message': message('R', int32(13, 0, 100), 'abc'),
  'a digest with a salt of negative length': message('R', int32(13, 0, -1), 'abc'),
  'a digest without a nonce': message('R', int32(13, 0, 4), 'salt'),
  'a digest with an incomplete nonce': message('R', int32(13, 0, 4), 'salt', int32(8), 'nonce'),
  'a digest with trailing data': Buffer.concat([message('R', int32(13, 0, 0, 0), 'x')]),
  'an error without its terminator': message('E', 'SFATAL\0'),
  'an empty notice': message('N'),
  'a parameter before the login': message('S', 'server_version\x008.0.2\0'),
  'a message of an unknown type': message('!', 'x'),
  'a length that is too short': Buffer.from('R\0\0\0\x03'),
  'a length that is too large': Buffer.from('R\x7f\0\0\0'),
  'a length that is negative': Buffer.from('E\xff\xff\xff\xff', 'latin1'),
  'an error of protocol version 2': Buffer.from('EFATAL:  unsupported\n\0'),
  'the page of a web server': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
}

/** Well-formed requests that do not ask for a password. */
const unsupported: Record<string, [request: Buffer, ...names: string[]]> = {
  'Kerberos (2)': [message('R', int32(2)), 'authentication 2'],
  'GSSAPI (7)': [message('R', int32(7)), 'authentication 7'],
  'SSPI (9)': [message('R', int32(9)), 'authentication 9'],
  'an unknown code': [message('R', int32(99)), 'authentication 99'],
  'a negative code': [message('R', int32(-1)), 'authentication -1'],
  'a digest with an unknown algorithm': [digestRequest(Buffer.from('salt'), Buffer.from('nonce'), 1), 'algorithm 1'],
  'a token': [message('R', int32(14)), 'GetIdentityCenterAuthToken'],
}

describe('The pg versions of the specs', () => {
  it('each load their own pg-protocol: 1.6.0 for the oldest, a newer one for the newest', () => {
    const [newest, oldest] = pgProtocolVersions
    expect(oldest).to.equal('1.6.0')
    expect(newest).to.match(/^1\.(1[6-9]|[2-9]\d)\./)
  })
})

for (const [version, module] of pgVersions)
  describe(`Authentication on ${version}`, () => {
    const Client = clientClass(module.Client)
    let emulator: RedshiftEmulator
    let proxy: TlsProxy
    let proxyCa: string
    let credentials: RedshiftCredentials
    const open: pg.Client[] = []

    before(async () => {
      emulator = await startEmulator({ authentication: 'digest' })
      const { host, ssl } = emulator.poolConfig()
      const { ca, context } = await certificateFor([host])
      proxyCa = ca
      proxy = await startTlsProxy(context, { port: emulator.address.port, servername: host, ca: ssl.ca })
    })
    beforeEach(() => {
      credentials = new RedshiftCredentials({ aws: emulator.aws })
    })
    afterEach(async () => {
      proxy.cutAt = undefined
      await Promise.all(open.splice(0).map(client => client.end()))
      await credentials.close()
      await noSockets(emulator)
      emulator.logins.length = 0
    })
    after(async () => {
      proxy.close()
      await emulator.close()
    })

    const create = (more: pg.ClientConfig = {}): RedshiftPgClient => {
      const client = new Client({ ...emulator.poolConfig(), user: 'IAM:alice', ...more, redshift: credentials })
      open.push(client)
      return client
    }
    const listenersOf = (client: pg.Client) =>
      (client as unknown as { connection: { stream: EventEmitter } }).connection.stream.listeners('data')
    const toProxy = (): Socket => {
      const socket = new Socket()
      const dial: (port: number, host: string) => Socket = socket.connect
      return Object.assign(socket, { connect: () => dial.call(socket, proxy.port, '127.0.0.1') })
    }
    const throughProxy = async (): Promise<void> => {
      const client = create({ ssl: { ca: proxyCa }, stream: toProxy })
      await client.connect()
      const { rows } = await client.query(`select session_user as name, repeat('x', 10) as text`)
      expect(rows).to.deep.equal([{ name: 'IAM:alice', text: 'xxxxxxxxxx' }])
      await client.end()
    }

    it("responds to Redshift's digest request, wherever its bytes are split", async () => {
      proxy.cutAt = 'every'
      await throughProxy()
      // The request, AuthenticationOk, and the beginning of the next message.
      for (let at = 1; at <= 75; at += 1) {
        proxy.cutAt = at
        await throughProxy()
      }
      expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal(Array(76).fill(true))
    })

    it('sends a token, wherever the request for it is split', async () => {
      const redshift = new RedshiftCredentials({ api: 'GetIdentityCenterAuthToken', aws: emulator.aws })
      for (const at of ['every', ...Array.from({ length: 25 }, (_, index) => index + 1)] as const) {
        proxy.cutAt = at
        const client = new Client({ ...emulator.poolConfig(), ssl: { ca: proxyCa }, stream: toProxy, redshift })
        open.push(client)
        await client.connect()
        const { rows } = await client.query('select current_user as name')
        expect(rows).to.deep.equal([{ name: 'awsidc:alice@example.com' }])
        expect(listenersOf(client)).to.have.length(1)
        await client.end()
      }
      await redshift.close()
    })

    it('leaves the socket to pg after the login', async () => {
      const client = create()
      await client.connect()
      expect(listenersOf(client)).to.have.length(1)
      expect(String(listenersOf(client)[0])).to.match(/parse/)
    })

    it('responds with the password of a replaced login', async () => {
      const { host, database } = emulator.poolConfig()
      await credentials.get({ host, database, user: 'IAM:alice' })
      emulator.revokeLogins()
      await create().connect()
      expect(emulator.logins.map(({ ok, sqlstate }) => (ok ? 'ok' : sqlstate))).to.deep.equal(['28000', 'ok'])
    })

    it('passes on an error that the server sends instead of a request', async () => {
      const error = await rejection(create({ database: 'nowhere' }).connect())
      expect(error)
        .to.have.property('code')
        .that.matches(/28000|3D000|ERR_REDSHIFT_LOGIN_REJECTED/)
    })

    describe('with a server that', () => {
      let server: Server
      let reply: Buffer

      before(async () => {
        server = createServer(socket => {
          socket.on('error', () => {})
          socket.once('data', () => socket.write(reply))
        }).listen(0, '127.0.0.1')
        await once(server, 'listening')
      })
      after(() => void server.close())

      const failure = async (bytes: Buffer): Promise<RedshiftCredentialsError> => {
        reply = bytes
        const address = server.address()
        const port = typeof address === 'object' && address ? address.port : 0
        const { host, database } = emulator.poolConfig()
        const insecure = new RedshiftCredentials({ aws: emulator.aws, host, requireTls: false })
        const client = new Client({
          host: '127.0.0.1',
          port,
          database,
          user: 'IAM:alice',
          ssl: false,
          redshift: insecure,
        })
        const error = await rejection(client.connect())
        await insecure.close()
        return error as RedshiftCredentialsError
      }

      it('asks for a token sends no user in the start-up packet, and the token only on request', async () => {
        const secret = 'head.payload.signature'
        const heard: Buffer[] = []
        const listener = createServer(socket => {
          socket.on('error', () => {})
          socket.on('data', bytes => {
            heard.push(bytes)
            socket.write(heard.length === 1 ? message('R', int32(14)) : REFUSAL)
          })
        }).listen(0, '127.0.0.1')
        await once(listener, 'listening')
        const address = listener.address()
        const port = typeof address === 'object' && address ? address.port : 0
        const identityProvider = { type: 'AwsIdc', tokenType: 'EXT_JWT', token: () => secret } as const
        const redshift = new RedshiftCredentials({ identityProvider, requireTls: false })
        const client = new Client({ host: '127.0.0.1', port, database: 'dev', ssl: false, redshift })
        expect(await rejection(client.connect())).to.have.property('code', 'ERR_REDSHIFT_LOGIN_REJECTED')
        const [startup = Buffer.alloc(0), response] = heard
        expect(startup.toString('latin1'))
          .to.include('\0database\0dev\0')
          .and.include('\0idp_type\0AwsIdc\0token_type\0EXT_JWT\0')
        expect(startup.toString('latin1').slice(8).split('\0')).to.not.include('user')
        expect(startup.includes(secret)).to.equal(false)
        expect(response).to.deep.equal(message('i', `${secret}\0`))
        await redshift.close()
        listener.close()
      })

      for (const [what, bytes] of Object.entries(malformed))
        it(`sends ${what} fails and names the remedy`, async () => {
          expectError(await failure(bytes), { code: 'ERR_REDSHIFT_RESPONSE', names: ['host', 'port'] })
        })

      for (const [what, [bytes, ...names]] of Object.entries(unsupported))
        it(`asks for ${what} fails and names the remedy`, async () => {
          expectError(await failure(bytes), { code: 'ERR_REDSHIFT_UNSUPPORTED', names })
        })
    })
  })

describe('interceptAuthentication', () => {
  const PASSWORD: Secret = { kind: 'password', password: 'pässword' }
  const TOKEN: Secret = { kind: 'token', token: 'head.bödy.tail' }

  /** Feeds pieces to a connection. Returns what pg received, what was sent, and the errors. */
  const run = (secret: Secret | undefined, pieces: readonly Buffer[]) => {
    const passed: Buffer[] = []
    const errors: RedshiftCredentialsError[] = []
    const sent: Buffer[] = []
    const stream = Object.assign(new PassThrough(), { write: (bytes: Buffer) => sent.push(bytes) > 0 })
    const connection = Object.assign(new EventEmitter(), {
      stream,
      attachListeners: (socket: EventEmitter) =>
        void socket.on('data', (bytes: Buffer) => passed.push(Buffer.from(bytes))),
    })
    connection.on('error', error => errors.push(error))
    const setSecret = interceptAuthentication(connection)
    connection.attachListeners(stream)
    if (secret) setSecret(secret)
    for (const piece of pieces) stream.emit('data', piece)
    const reading = stream.listeners('data').map(listener => (String(listener).includes('passed') ? 'pg' : 'ours'))
    return { passed, errors, sent, reading }
  }

  it('does nothing in an unknown version of pg', () => {
    const connection = Object.assign(new EventEmitter(), { stream: new PassThrough() })
    interceptAuthentication(connection)(PASSWORD)
    expect(connection).to.not.have.property('attachListeners')
  })

  it("sends a password as AWS's digest, and a token unchanged", () => {
    const salt = Buffer.from('0123456789abcdef')
    const nonce = Buffer.from('nonce')
    const [digest] = run(PASSWORD, [digestRequest(salt, nonce)]).sent
    if (!digest) throw new Error('Nothing was sent.')
    const clientNonce = digest.subarray(5 + 4 + 32 + 4)
    const sha256 = (...parts: (Buffer | string)[]) =>
      createHash('sha256')
        .update(Buffer.concat(parts.map(part => Buffer.from(part as string))))
        .digest()
    const expected = sha256(sha256('pässword', salt), nonce, clientNonce)
    expect(digest).to.deep.equal(message('d', int32(32), expected, int32(clientNonce.length), clientNonce))
    expect(Number(clientNonce)).to.be.closeTo(Date.now(), 60_000)
    expect(run(TOKEN, [message('R', int32(14))]).sent).to.deep.equal([message('i', 'head.bödy.tail\0')])
  })

  it('sends no password when the server asks for a token, and no token when it asks for a password', () => {
    const requests = [
      message('R', int32(3)),
      message('R', int32(5, 1)),
      message('R', int32(10), 'SCRAM-SHA-256\0\0'),
      digestRequest(Buffer.from('salt'), Buffer.from('nonce')),
    ]
    for (const request of requests) {
      const { passed, sent, errors } = run(TOKEN, [request])
      expect([passed, sent]).to.deep.equal([[], []])
      expect(errors[0]).to.have.property('code', 'ERR_REDSHIFT_UNSUPPORTED')
      expect(String(errors[0])).to.match(/this login is a token.*CREATE IDENTITY PROVIDER/)
    }
    expect(run(PASSWORD, [message('R', int32(14))])).to.deep.include({ passed: [], sent: [] })
  })

  it('sends nothing and accepts nothing before the start-up packet', () => {
    for (const code of [0, 3, 10, 13, 14]) {
      const { passed, sent, errors } = run(undefined, [message('R', int32(code))])
      expect([passed, sent]).to.deep.equal([[], []])
      expect(errors[0]).to.have.property('code', 'ERR_REDSHIFT_RESPONSE')
    }
  })

  it("lets exceptions in pg's listeners through, and continues with the next message", () => {
    const stream = new PassThrough()
    const heard: string[] = []
    const connection = Object.assign(new EventEmitter(), {
      stream,
      attachListeners: (socket: EventEmitter) =>
        void socket.on('data', (bytes: Buffer) => {
          heard.push(bytes.toString('latin1', 0, 1))
          throw new Error("a callback's")
        }),
    })
    const setSecret = interceptAuthentication(connection)
    connection.attachListeners(stream)
    setSecret(PASSWORD)
    const feed = (bytes: Buffer): void => void stream.emit('data', bytes)
    const notice = message('N', 'SNOTICE\0Mhello\0\0')
    for (const bytes of [notice, message('R', int32(3)), OK, message('Z', 'I')])
      expect(() => feed(bytes)).to.throw("a callback's")
    expect(heard).to.deep.equal(['N', 'R', 'R', 'Z'])
  })

  it('keeps no password or token after the server has accepted it, refused it or sent a malformed message', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    for (const end of [OK, REFUSAL, message('R')]) {
      const stream = new PassThrough()
      const connection = Object.assign(new EventEmitter(), {
        stream,
        attachListeners: (socket: EventEmitter) => void socket.on('data', () => {}),
      })
      connection.on('error', () => {})
      const setSecret = interceptAuthentication(connection)
      connection.attachListeners(stream)
      const show = (): WeakRef<Secret> => {
        const secret: Secret = { kind: 'token', token: 'head.body.tail' }
        setSecret(secret)
        return new WeakRef(secret)
      }
      const kept = show()
      stream.emit('data', end)
      // A WeakRef keeps its target until the current turn of the event loop is over.
      await setImmediate()
      collect()
      expect(kept.deref()).to.equal(undefined)
      expect(connection.stream).to.equal(stream)
    }
  })

  const whole = fc.oneof(
    { weight: 3, arbitrary: fc.constant(OK) },
    fc.constant(message('R', int32(3))),
    fc.constant(message('R', int32(5, 7))),
    fc.constant(message('R', int32(14))),
    fc.constant(REFUSAL),
    fc.constant(message('N', 'SNOTICE\0Mhello\0\0')),
    fc.constantFrom(...Object.values(malformed)),
    fc
      .tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }))
      .map(([salt, nonce]) => digestRequest(Buffer.from(salt), Buffer.from(nonce))),
    fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
  )

  it('gives the same result for the same bytes however they are split, and never throws', () => {
    fc.assert(
      fc.property(
        fc.array(whole, { maxLength: 5 }),
        fc.array(fc.nat(200)),
        fc.constantFrom(PASSWORD, TOKEN),
        (messages, cuts, secret) => {
          const bytes = Buffer.concat(messages)
          const at = [...new Set(cuts.filter(cut => cut > 0 && cut < bytes.length))].sort((a, b) => a - b)
          const pieces = [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
          const one = run(secret, [bytes])
          const other = run(secret, pieces)
          expect(Buffer.concat(other.passed)).to.deep.equal(Buffer.concat(one.passed))
          expect(other.sent.length).to.equal(one.sent.length)
          expect(other.errors.map(String)).to.deep.equal(one.errors.map(String))
          expect(other.reading).to.deep.equal(one.reading)
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
