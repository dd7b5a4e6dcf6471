import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { expect } from 'chai'
import type pg from 'pg'
import type { ActiveFault, Fault, FaultScope, RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type RedshiftPgClientConfig } from '../../lib/index.js'
import { clientClass } from '../../lib/pg/client.js'
import { startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { rejection } from '../support/rejection.js'
import { noSockets, until } from '../support/until.js'

/** A socket that never connects, as when a firewall drops the packets. */
class LostSocket extends Socket {
  override connect(): this {
    return this
  }
}

/** A connection that hangs at some stage. */
interface Stuck {
  readonly config: RedshiftPgClientConfig
  /** Resolves when this number of connections hang. */
  reached(connections: number): Promise<unknown>
  /** Stops the fault after the clients have given up. */
  release(): Promise<void> | void
}

for (const [version, module] of pgVersions)
  describe(`A connect() on ${version} that hangs`, () => {
    const Client = clientClass(module.Client)
    let emulator: RedshiftEmulator
    let silent: Server
    const faults: ActiveFault[] = []

    before(async () => {
      emulator = await startEmulator()
      silent = createServer().listen(0, '127.0.0.1')
      await once(silent, 'listening')
    })
    afterEach(async () => {
      for (const fault of faults.splice(0)) fault.clear()
      await noSockets(emulator)
      emulator.calls.length = emulator.logins.length = 0
    })
    after(async () => {
      await emulator.close()
      silent.close()
    })

    const host = (): string => emulator.poolConfig('serverless').host
    const base = () => ({
      ...emulator.poolConfig('serverless'),
      redshift: new RedshiftCredentials({ aws: emulator.aws }),
    })
    const stuckBy = (fault: Fault, scope?: FaultScope, config: RedshiftPgClientConfig = base()): Stuck => {
      const active = emulator.fail(fault, scope)
      faults.push(active)
      return { config, reached: times => active.reached(times), release: () => active.clear() }
    }

    const stages: Record<string, () => Promise<Stuck> | Stuck> = {
      'while TCP connects': () => {
        let opened = 0
        const stream = () => {
          opened++
          return new LostSocket()
        }
        return {
          config: { ...base(), stream },
          reached: connections => until('the sockets are made', () => opened >= connections),
          release: () => {},
        }
      },
      'while TLS is negotiated': () => {
        const sockets = new Set<Socket>()
        const accept = (socket: Socket) => void sockets.add(socket.resume())
        silent.on('connection', accept)
        const address = silent.address()
        const port = typeof address === 'object' && address ? address.port : 0
        return {
          config: {
            ...base(),
            stream: () => new Socket(),
            host: '127.0.0.1',
            port,
            redshift: new RedshiftCredentials({ aws: emulator.aws, host: host() }),
          },
          reached: connections => until('the server has accepted', () => sockets.size >= connections),
          release: async () => {
            silent.off('connection', accept)
            await until('the clients have closed', () => [...sockets].every(socket => socket.closed))
          },
        }
      },
      // All connections share one call.
      'while AWS responds': () => {
        const stuck = stuckBy({ kind: 'hold' })
        return { ...stuck, reached: () => stuck.reached(1) }
      },
      'while the server checks the login': () => stuckBy({ kind: 'login-hang' }),
      'while a rejected login is replaced': async () => {
        const config = base()
        await config.redshift.get(config)
        const rejecting = emulator.fail({ kind: 'reject-login' })
        faults.push(rejecting)
        const holding = stuckBy({ kind: 'hold' }, {}, config)
        return {
          config,
          reached: connections => Promise.all([rejecting.reached(connections), holding.reached(1)]),
          release: () => {
            rejecting.clear()
            holding.release()
          },
        }
      },
      'while the address is looked up': () => {
        const redshift = new RedshiftCredentials({ aws: emulator.aws, region: 'us-west-2', workgroupName: 'analytics' })
        const { host: _, ...config } = base()
        const stuck = stuckBy({ kind: 'hold' }, { operation: 'GetWorkgroup' }, { ...config, redshift })
        return { ...stuck, reached: () => stuck.reached(1) }
      },
    }

    /** Both forms of `connect()`, each as a promise. */
    const connects = [
      (client: pg.Client): Promise<unknown> => client.connect(),
      (client: pg.Client): Promise<unknown> =>
        new Promise<void>((resolve, reject) => {
          client.connect((error?: Error) => (error ? reject(error) : resolve()))
        }),
    ]
    const ends = [
      (client: pg.Client): Promise<unknown> => client.end(),
      (client: pg.Client): Promise<unknown> => new Promise<void>(resolve => client.end(() => resolve())),
    ]

    /** Resolves with the result of an action that runs as soon as TLS is established. */
    const secured = (client: pg.Client, done?: () => unknown): Promise<unknown> =>
      new Promise(resolve => {
        client.connection.once('sslconnect', () => {
          client.connection.stream.once('secureConnect', () => resolve(done?.()))
        })
      })

    /** Every aborted client has its response by now. None of them may log in with it. */
    const expectNoLogin = async (): Promise<void> => {
      const before = emulator.logins.length
      await noSockets(emulator)
      await until('AWS has responded', () => emulator.calls.every(call => call.status !== undefined))
      await new Promise(setImmediate)
      await noSockets(emulator)
      expect(emulator.logins).to.have.length(before)
      expect(emulator.logins.filter(login => login.ok)).to.have.length(0)
    }

    for (const [stage, stick] of Object.entries(stages)) {
      it(`${stage} is aborted by the timeout of client or pool, and occupies no slot in the pool`, async () => {
        const stuck = await stick()
        const config = { ...stuck.config, connectionTimeoutMillis: 700 }
        const pool = new module.Pool({ ...config, Client } as pg.PoolConfig)
        const failures = [...connects.map(connect => connect(new Client(config))), pool.connect()].map(rejection)
        // On a busy machine, the time may be over before every connection has reached the stage.
        await Promise.race([stuck.reached(failures.length), Promise.all(failures)])
        const messages = (await Promise.all(failures)).map(error => error.message)
        expect(messages).to.deep.equal([
          'timeout expired',
          'timeout expired',
          'Connection terminated due to connection timeout',
        ])
        expect(pool).to.include({ totalCount: 0, waitingCount: 0 })
        await stuck.release()
        await expectNoLogin()
        await pool.end()
      })

      it(`${stage} is aborted by end(), and both settle`, async () => {
        const stuck = await stick()
        const clients = connects.flatMap(connect =>
          ends.map(end => ({ connect, end, client: new Client(stuck.config) })),
        )
        const failures = clients.map(({ connect, client }) => rejection(connect(client)))
        await stuck.reached(clients.length)
        await Promise.all(clients.map(({ end, client }) => end(client)))
        for (const error of await Promise.all(failures)) expect(error.message).to.equal('Connection terminated')
        await Promise.all(clients.map(({ end, client }) => end(client)))
        await stuck.release()
        await expectNoLogin()
      })
    }

    it('while AWS responds is aborted when its socket is lost', async () => {
      const stuck = await stages['while AWS responds']?.()
      if (!stuck) return
      const client = new Client(stuck.config)
      const failure = rejection(client.connect())
      await secured(client)
      await emulator.restart()
      expect(['Connection terminated unexpectedly', 'read ECONNRESET']).to.include((await failure).message)
      await stuck.release()
      await expectNoLogin()
    })

    for (const first of ['response', 'end()'] as const)
      it(`while AWS responds never logs in if response and end() come in the same turn, ${first} first`, async () => {
        const { user, password, expiration } = await base().redshift.get(base())
        const give = async (connect: (config: RedshiftPgClientConfig) => Promise<unknown>): Promise<void> => {
          let respond = (): void => {}
          const response = new Promise<object>(resolve => {
            respond = () => resolve({ dbUser: user, dbPassword: password, expiration })
          })
          const stream = (): Socket => {
            const socket: Socket = emulator.stream()
            const destroy = socket.destroy.bind(socket)
            // Every way to end a connection destroys its socket.
            socket.destroy = error => {
              if (first === 'response') respond()
              destroy(error)
              respond()
              return socket
            }
            return socket
          }
          await connect({ ...emulator.poolConfig('serverless'), redshift: { aws: { send: () => response } }, stream })
          await noSockets(emulator)
          expect(emulator.logins).to.have.length(0)
        }
        await give(async config => {
          const client = new Client({ ...config, connectionTimeoutMillis: 300 })
          await rejection(client.connect())
          expect(client).to.have.property('password', null)
        })
        await give(async config => {
          const client = new Client(config)
          const failure = rejection(client.connect())
          await until('it is connected', () => emulator.connections === 1)
          await client.end()
          await failure
          expect(client).to.have.property('password', null)
        })
        await give(async config => {
          const pool = new module.Pool({ ...config, Client, connectionTimeoutMillis: 300 } as pg.PoolConfig)
          await rejection(pool.connect())
          await pool.end()
        })
      })

    it('never logs in if end() is called in the moment when the login is set', async () => {
      const config = base()
      await config.redshift.get(config)
      const client = new Client(config)
      const failure = rejection(client.connect())
      await secured(client, () => client.end())
      expect((await failure).message).to.equal('Connection terminated')
      expect(client).to.have.property('password', null)
      await expectNoLogin()
    })

    it('does not block the connections that wait behind it in a pool', async () => {
      const stuck = stuckBy({ kind: 'login-hang' }, { times: 1 })
      const pool = new module.Pool({ ...stuck.config, Client, max: 1, connectionTimeoutMillis: 2_000 } as pg.PoolConfig)
      const first = rejection(pool.query('select 1'))
      await stuck.reached(1)
      // The second one waits as long as it takes.
      pool.options.connectionTimeoutMillis = 0
      const { rows } = await pool.query('select session_user as name')
      expect((await first).message).to.equal('Connection terminated due to connection timeout')
      expect(rows).to.deep.equal([{ name: 'IAMR:analyst' }])
      await pool.end()
    })
  })
