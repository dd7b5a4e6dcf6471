import { Socket } from 'node:net'
import { expect } from 'chai'
import type pg from 'pg'
import PgPool from 'pg-pool'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftPgClientConfig, RedshiftPool, redshiftPoolOptions } from '../../lib/index.js'
import { RedshiftLogin } from '../../lib/login.js'
import { clientClass } from '../../lib/pg/client.js'
import { type NotReplaced, rejectedLogin } from '../../lib/pg/rejected-login.js'
import { cleanUp, startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { expectError, rejection } from '../support/rejection.js'
import { serverMessages } from '../support/server-messages.js'
import { until } from '../support/until.js'

const newest = pgVersions[0]?.[1]

for (const [version, module] of pgVersions)
  describe(`A login that the server refuses, on ${version},`, () => {
    const Client = clientClass(module.Client)
    const open: { end(): Promise<unknown> }[] = []
    let emulator: RedshiftEmulator
    let credentials: RedshiftCredentials

    before(async () => {
      emulator = await startEmulator()
    })
    beforeEach(() => {
      credentials = new RedshiftCredentials({ aws: emulator.aws })
    })
    afterEach(async () => {
      await Promise.all(open.splice(0).map(it => it.end()))
      await credentials.close()
      emulator.identity = 'IAMR:analyst'
    })
    cleanUp(() => emulator)

    const config = () => ({ ...emulator.poolConfig('serverless'), redshift: credentials })
    const create = (more: RedshiftPgClientConfig = {}): pg.Client => {
      const client = new Client({ ...config(), ...more })
      open.push(client)
      return client
    }
    /** Fetches a login. */
    const warmUp = async (): Promise<void> => {
      await credentials.get(config())
      emulator.calls.length = 0
    }
    /** Resolves when AWS has responded to the request that a refusal caused. */
    const settled = (of = credentials): Promise<void> =>
      until('the doubt is settled', () => of.status().every(({ inDoubt }) => !inDoubt))
    /** Expects the error for a login of the analyst, with the reason why it was not replaced. Ignores the age of the login. */
    const expectRejected = (error: Error, reason: NotReplaced): void => {
      const said = 'password authentication failed for user "IAMR:analyst"'
      const login = new RedshiftLogin('IAMR:analyst', '', new Date())
      expectError(error, { code: 'ERR_REDSHIFT_LOGIN_REJECTED', names: ['"IAMR:analyst"', said] })
      const { message } = rejectedLogin(new Error(said), login, 0, reason)
      expect(error.message.replace(/[\d.]+ s\b/, '0.0 s')).to.equal(message)
    }
    const outcomes = (): unknown[] => emulator.logins.map(({ ok, sqlstate }) => (ok ? 'ok' : sqlstate))

    it('is replaced within the client, with either form of connect() and with queued queries', async () => {
      await warmUp()
      emulator.revokeLogins()
      const client = create()
      const early = client.query('select 1 as one')
      expect(await client.connect()).to.equal(client)
      expect((await early).rows).to.deep.equal([{ one: 1 }])
      expect(outcomes()).to.deep.equal(['28000', 'ok'])
      const other = create()
      await new Promise<void>((resolve, reject) => {
        other.connect((error?: Error) => (error ? reject(error) : resolve()))
      })
      expect(outcomes()).to.deep.equal(['28000', 'ok', 'ok'])
      expect(emulator.calls).to.have.length(1)
    })

    it('leaves no socket open when it is replaced, not even one that does not close by itself', async () => {
      await warmUp()
      emulator.revokeLogins()
      const stream = (): Socket => Object.assign(emulator.stream(), { allowHalfOpen: true })
      await create({ stream }).connect()
      await until('the first one is closed', () => emulator.connections === 1)
      expect(outcomes()).to.deep.equal(['28000', 'ok'])
    })

    it('is replaced by one for another user if AWS now returns another user', async () => {
      await warmUp()
      emulator.revokeLogins()
      emulator.identity = 'IAMR:admin'
      const client = create()
      await client.connect()
      expect((await client.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAMR:admin' }])
      expect(emulator.logins.map(({ user }) => user)).to.deep.equal(['IAMR:analyst', 'IAMR:admin'])
    })

    it('is replaced only once: the error of the second refusal says what to check', async () => {
      await warmUp()
      const rejecting = emulator.fail({ kind: 'reject-login' })
      const error = await rejection(create().connect())
      rejecting.clear()
      expectRejected(error, 'refused twice')
      expect(error.message).to.match(/ \d\.\d s old/)
      for (const hint of ['host', 'TLS', 'database', 'autoCreate']) expect(error.message).to.contain(hint)
      expect(error.cause).to.be.an.instanceOf(module.DatabaseError).and.have.property('code', '28000')
      expect(outcomes()).to.deep.equal(['28000', '28000'])
      expect(emulator.calls).to.have.length(1)
      // The next one is not replaced, because AWS was asked a moment ago.
      using _ = emulator.fail({ kind: 'reject-login' })
      const next = await rejection(create().connect())
      expectRejected(next, 'too soon')
      expect(outcomes()).to.deep.equal(['28000', '28000', '28000'])
      expect(emulator.calls).to.have.length(1)
    })

    it('fails only one connection if AWS returns the same password', async () => {
      await using server = await startEmulator()
      const redshift = new RedshiftCredentials({ aws: server.aws })
      const create = () => new Client({ ...server.poolConfig('serverless'), redshift })
      const session = async (): Promise<void> => {
        const client = create()
        await client.connect()
        await client.end()
      }
      await session()
      using _ = server.fail({ kind: 'same-expiry', samePassword: true })
      using __ = server.fail({ kind: 'reject-login' }, { times: 1 })
      const error = await rejection(create().connect())
      expectRejected(error, 'no other')
      for (let count = 0; count < 10; count++) await session()
      expect(server.calls).to.have.length(2)
      expect(server.logins.filter(({ ok }) => !ok)).to.have.length(1)
      await redshift.close()
    })

    for (const kind of ['internal-error', 'throttling'] as const)
      it(`fails only one connection while AWS returns no other (${kind})`, async () => {
        await create().connect()
        emulator.calls.length = emulator.logins.length = 0
        using _ = emulator.fail({ kind })
        using __ = emulator.fail({ kind: 'reject-login' }, { times: 1 })
        const error = await rejection(create().connect())
        expect(error).to.have.property('code', 'ERR_REDSHIFT_LOGIN_REJECTED')
        for (let count = 0; count < 10; count++) await create().connect()
        expect(outcomes()).to.deep.equal(['28000', ...Array(10).fill('ok')])
      })

    it('fails only one connection while AWS hangs, and delays the others briefly', async () => {
      await using server = await startEmulator({ lifetimeSeconds: 20 })
      const redshift = new RedshiftCredentials({ aws: server.aws })
      const create = () => {
        const client = new Client({ ...server.poolConfig('serverless'), redshift })
        open.push(client)
        return client
      }
      await create().connect()
      using holding = server.fail({ kind: 'hold' })
      using _ = server.fail({ kind: 'reject-login' }, { times: 1 })
      const refused = rejection(create().connect())
      await holding.reached()
      expect(redshift.status()).to.have.nested.property('[0].inDoubt', true)
      // After a twentieth of the lifetime, while AWS still hangs.
      await Promise.all(Array.from({ length: 10 }, () => create().connect()))
      expect(redshift.status()).to.have.nested.property('[0].inDoubt', true)
      await redshift.close()
      expect(await refused).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
      await Promise.all(open.splice(0).map(it => it.end()))
    })

    it('at one place does not delay other places, which continue to use it', async () => {
      // Two databases are two places.
      const other = { ...config(), database: 'postgres' }
      const redshift = new RedshiftCredentials({ aws: emulator.aws, dbName: null })
      await new Client({ ...config(), redshift }).connect().then(client => client.end())
      emulator.calls.length = emulator.logins.length = 0
      using holding = emulator.fail({ kind: 'hold' })
      using _ = emulator.fail({ kind: 'reject-login' }, { times: 1 })
      const refused = create({ redshift }).connect()
      await holding.reached()
      const bystander = new Client({ ...other, redshift })
      await bystander.connect()
      await bystander.end()
      expect(outcomes()).to.deep.equal(['28000', 'ok'])
      holding.clear()
      await refused
      expect(outcomes()).to.deep.equal(['28000', 'ok', 'ok'])
      await redshift.close()
    })

    it('is replaced by one call for a hundred clients', async () => {
      await warmUp()
      emulator.revokeLogins()
      const clients = Array.from({ length: 100 }, () => create())
      await Promise.all(clients.map(client => client.connect()))
      expect(emulator.calls).to.have.length(1)
      expect(emulator.logins.filter(({ ok }) => ok)).to.have.length(100)
    })

    it('is reported to the credentials but not replaced if the user supplied the socket', async () => {
      await warmUp()
      emulator.revokeLogins()
      const socket: Socket = emulator.stream()
      const error = await rejection(create({ stream: socket } as never).connect())
      expect(error).to.be.an.instanceOf(module.DatabaseError).and.have.property('code', '28000')
      await settled()
      await create().connect()
      expect(outcomes()).to.deep.equal(['28000', 'ok'])
    })

    for (const [title, missing] of [
      ['stream: null', { stream: null }],
      ['connection: undefined', { connection: undefined }],
    ] as const)
      it(`is replaced if the socket is pg's own, as with ${title}`, async () => {
        const { host } = emulator.poolConfig('serverless')
        const redshift = new RedshiftCredentials({ aws: emulator.aws, host })
        const byName = { host: 'localhost', stream: undefined, redshift, ...missing } as never
        await create(byName).connect()
        emulator.revokeLogins()
        await create(byName).connect()
        expect(outcomes()).to.deep.equal(['ok', '28000', 'ok'])
        await redshift.close()
      })

    it("fails with the server's error, and is not replaced, if pg's internals are missing", async () => {
      const refusals: unknown[] = []
      const lacking = ['_connecting', '_connectionError'].map(inside => {
        class Lacking extends module.Client {
          // Only the form that RedshiftPgClient uses.
          override connect(callback?: unknown): never {
            const settle = (error: Error | null): void => {
              refusals.push(error)
              Reflect.deleteProperty(this, inside)
              ;(callback as (error: Error | null) => void)(error)
            }
            return super.connect(settle as never) as never
          }
        }
        const redshift = new RedshiftCredentials({ aws: emulator.aws })
        return { redshift, connect: () => new (clientClass(Lacking as never))({ ...config(), redshift }).connect() }
      })
      await Promise.all(lacking.map(({ redshift }) => redshift.get(config())))
      emulator.revokeLogins()
      for (const { redshift, connect } of lacking) {
        const error = await rejection(connect())
        expect(error).to.equal(refusals.splice(0)[0]).and.have.property('code', '28000')
        expect(outcomes()).to.deep.equal(['28000'])
        // The credentials know of the refusal, so the next connection gets another login.
        await settled(redshift)
        await create({ redshift }).connect()
        expect(outcomes()).to.deep.equal(['28000', 'ok'])
        emulator.logins.length = 0
      }
    })

    it('fails with the error of the second connection if that fails', async () => {
      const lost = new Error('no second socket')
      const seconds = [
        () => new Socket(),
        () => {
          throw lost
        },
      ]
      const { host } = emulator.poolConfig('serverless')
      const clients = seconds.map(second => {
        const streams = [emulator.stream, second]
        const stream = (): Socket => streams.shift()?.()
        const redshift = new RedshiftCredentials({ aws: emulator.aws, host })
        const gone = { host: '127.0.0.1', port: 1, ssl: { ca: emulator.ca, servername: host } }
        return { redshift, client: create({ ...gone, redshift, stream }) }
      })
      await Promise.all(clients.map(({ redshift }) => redshift.get(config())))
      emulator.revokeLogins()
      const [first, second] = await Promise.all(clients.map(({ client }) => rejection(client.connect())))
      expect(first).to.have.property('code', 'ECONNREFUSED')
      expect(second).to.equal(lost)
    })

    it('in mid-run does not affect the next 200 queries of each pool, and costs one call', async () => {
      // Its logins live for 15 minutes, so that none becomes stale meanwhile.
      await using server = await startEmulator()
      const [base, redshift] = [server.poolConfig('serverless'), { aws: server.aws }]
      // A connection runs only a few queries, so that many logins follow the revocation.
      const pools = [10, 1].flatMap(max => {
        const few = { ...base, max, maxUses: 4 }
        const options = () => redshiftPoolOptions(redshift, { ...few, Client: module.Client })
        const stock = new module.Pool(options())
        return module === newest ? [stock, new RedshiftPool({ ...few, redshift }), new PgPool(options())] : [stock]
      })
      await Promise.all(pools.flatMap(pool => Array.from({ length: 20 }, () => pool.query('select 1'))))
      expect(server.calls).to.have.length(pools.length)
      server.revokeLogins()
      const runs = pools.map(async pool => {
        const order: number[] = []
        const queries = Array.from({ length: 200 }, async (_, n) => {
          const { rows } = await pool.query(`select ${n} as n`)
          expect(rows).to.deep.equal([{ n }])
          order.push(n)
        })
        await Promise.all(queries)
        // With one connection at a time, only one order is possible.
        if (pool.options.max === 1) expect(order).to.deep.equal([...queries.keys()])
      })
      await Promise.all(runs)
      expect(server.calls).to.have.length(pools.length * 2)
      expect(server.logins.filter(({ ok }) => !ok)).to.have.length.above(pools.length - 1)
      await Promise.all(pools.map(pool => pool.end()))
    })

    // The following specs do not depend on the version of pg.
    if (module !== newest) return

    it('is replaced if the message is a refusal, or an unknown message has the SQLSTATE of one', async () => {
      const refusals = [
        ...serverMessages.filter(({ refusal }) => refusal),
        { sqlstate: '28P01', message: 'password authentication failed for user "IAMR:analyst"' },
        { sqlstate: '28000', message: 'whatever' },
        { sqlstate: 'XX000', message: 'IAM Authentication token has expired' },
      ]
      // Each message has its own credentials, because repeated refusals cause fewer and fewer requests.
      const each = refusals.map(() => new RedshiftCredentials({ aws: emulator.aws }))
      await Promise.all(each.map(redshift => redshift.get(config())))
      for (const [index, { sqlstate, message }] of refusals.entries()) {
        using _ = emulator.fail({ kind: 'reject-login', sqlstate, message }, { times: 1 })
        await create({ redshift: each[index] }).connect()
        expect(outcomes()).to.deep.equal([sqlstate, 'ok'])
        emulator.logins.length = 0
      }
    })

    it('is kept if the message is not a refusal, and the message is passed on', async () => {
      await warmUp()
      const others = serverMessages.filter(({ refusal }) => !refusal)
      for (const { sqlstate, message } of others) {
        using _ = emulator.fail({ kind: 'reject-login', sqlstate, message }, { times: 1 })
        const error = await rejection(create().connect())
        expect(error).to.be.an.instanceOf(module.DatabaseError).and.include({ code: sqlstate, message })
      }
      expect(emulator.logins).to.have.length(others.length)
      expect(emulator.calls).to.have.length(0)
    })

    it('is kept if the client is refused for missing TLS or a missing pg_hba.conf entry', async () => {
      await warmUp()
      const plain = new RedshiftCredentials({ aws: emulator.aws, requireTls: false })
      await plain.get(config())
      emulator.calls.length = 0
      using _ = emulator.fail({ kind: 'no-hba-entry' })
      for (const client of [create(), create({ ssl: false, redshift: plain })]) {
        const error = await rejection(client.connect())
        expect(error).to.include({ code: '28000' })
        expect(error.message).to.match(/no pg_hba.conf entry/)
      }
      expect(emulator.calls).to.have.length(0)
      await plain.close()
    })

    it('is kept while a workgroup resumes and makes connections wait or drops them', async () => {
      await warmUp()
      using resuming = emulator.fail({ kind: 'resuming' }, { times: 1 })
      const slow = create().connect()
      await resuming.reached()
      resuming.clear()
      await slow
      using _ = emulator.fail({ kind: 'resuming', millis: 1, ends: 'reset' }, { times: 1 })
      expect((await rejection(create().connect())).message).to.match(/terminated|ECONNRESET/)
      await create().connect()
      expect(outcomes()).to.deep.equal(['ok', undefined, 'ok'])
      expect(emulator.calls).to.have.length(0)
    })

    it("fails with AWS's error if AWS returns no other", async () => {
      await warmUp()
      emulator.revokeLogins()
      using _ = emulator.fail({ kind: 'access-denied' })
      expect(await rejection(create().connect())).to.have.property('code', 'ERR_REDSHIFT_ACCESS_DENIED')
    })
  })
