import { once } from 'node:events'
import type pg from 'pg'
import Cursor from 'pg-cursor'
import QueryStream from 'pg-query-stream'
import { until } from './until.js'

/** The arguments of a scenario. */
export interface Scene {
  /** Creates the pool and records its events. */
  create(options?: pg.PoolConfig): pg.Pool
  /** Records what happens, besides the events. */
  note(...seen: unknown[]): void
  /** Ends the session of a client on the server. */
  terminate(processId: number): Promise<unknown>
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no failure',
    error => message(error),
  )
const counts = ({ totalCount, idleCount, waitingCount, expiredCount }: pg.Pool) => ({
  totalCount,
  idleCount,
  waitingCount,
  expiredCount,
})
const value = async (client: pg.Pool | pg.ClientBase, sql: string): Promise<unknown> =>
  Object.values((await client.query(sql)).rows[0])[0]

/** Typical uses of a pool. Each runs on a stock pool and on RedshiftPool, which must emit the same events. */
export const poolScenarios: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'runs queries one after another on one connection': async ({ create, note }) => {
    const pool = create()
    for (const n of [1, 2, 3]) note(await value(pool, `select ${n}`), counts(pool))
    await pool.end()
    note(counts(pool), pool.ending, pool.ended)
  },

  'queues queries in order': async ({ create, note }) => {
    const pool = create({ max: 1 })
    const queries = [1, 2, 3, 4, 5].map(async n => note(await value(pool, `select ${n}`)))
    note(counts(pool))
    await Promise.all(queries)
    await pool.end()
  },

  'checks clients out and in, with promises and callbacks': async ({ create, note }) => {
    const pool = create()
    const client = await pool.connect()
    note(await value(client, 'select 1'), counts(pool))
    client.release()
    await new Promise<void>(resolve =>
      pool.connect((error, taken, done) => {
        note(error, taken === client, counts(pool))
        done()
        resolve()
      }),
    )
    await new Promise<void>(resolve => pool.query('select 2 as two', (_, { rows }) => resolve(note(rows))))
    await new Promise<void>(resolve => pool.end(() => resolve(note('ended'))))
  },

  'discards clients that are released with an error': async ({ create, note }) => {
    const pool = create()
    for (const reason of [true, new Error('broken')]) {
      const client = await pool.connect()
      client.release(reason)
      await once(pool, 'remove')
      note(counts(pool))
    }
    const client = await pool.connect()
    client.release()
    try {
      client.release()
    } catch (error) {
      note(message(error))
    }
    await pool.end()
  },

  'replaces a client after a failed query': async ({ create, note }) => {
    const pool = create()
    const removed = once(pool, 'remove')
    note(await failure(pool.query('select nonsense')), counts(pool))
    await removed
    note(await value(pool, 'select 1'))
    await pool.end()
  },

  'lets a listener set up each new connection first': async ({ create, note }) => {
    const pool = create()
    pool.on('connect', client => void client.query("set application_name = 'set up'"))
    note(await value(pool, 'show application_name'))
    await pool.end()
  },

  'closes connections after idleTimeoutMillis, down to min': async ({ create, note }) => {
    const pool = create({ idleTimeoutMillis: 30, min: 1 } as pg.PoolConfig)
    const removed = once(pool, 'remove')
    const clients = [await pool.connect(), await pool.connect()]
    for (const client of clients) client.release()
    await removed
    note(counts(pool))
    await pool.end()
  },

  'closes connections after maxUses': async ({ create, note }) => {
    const pool = create({ maxUses: 2, max: 1 })
    note(await Promise.all([1, 2, 3, 4, 5].map(n => value(pool, `select ${n}`))))
    await pool.end()
  },

  'closes connections after maxLifetimeSeconds': async ({ create, note }) => {
    const pool = create({ maxLifetimeSeconds: 0.3 })
    const removed = once(pool, 'remove')
    const busy = await pool.connect()
    await value(pool, 'select 1')
    await removed
    note(counts(pool))
    await until('the busy one has expired', () => pool.expiredCount === 1)
    busy.release()
    await once(pool, 'remove')
    note(counts(pool))
    await pool.end()
  },

  'waits for onConnect': async ({ create, note }) => {
    const pool = create({
      onConnect: async client => {
        note('onConnect')
        await client.query("set application_name = 'hooked'")
        note('done')
      },
    })
    note(await value(pool, 'show application_name'))
    await pool.end()
  },

  'fails with the error of onConnect': async ({ create, note }) => {
    const pool = create({ onConnect: async () => Promise.reject(new Error('not this one')) })
    note(await failure(pool.query('select 1')), counts(pool))
    await pool.end()
  },

  'verifies each new connection': async ({ create, note }) => {
    const verdicts = [new Error('not this one'), undefined]
    const pool = create({ verify: (_, done) => done(verdicts.shift()) })
    const removed = once(pool, 'remove')
    note(await failure(pool.query('select 1')))
    await removed
    note(await value(pool, 'select 1'))
    await pool.end()
  },

  'emits an error when an idle connection is lost, and continues': async ({ create, note, terminate }) => {
    const pool = create()
    const removed = new Promise(resolve => pool.once('remove', resolve)) // once() rejects on the 'error' before it
    await terminate(Number(await value(pool, 'select pg_backend_pid()')))
    await removed
    note(counts(pool), await value(pool, 'select 1'))
    await pool.end()
  },

  'fails the query of a lost connection, and continues': async ({ create, note, terminate }) => {
    const pool = create()
    const client = await pool.connect()
    client.on('error', error => note(message(error)))
    const ended = new Promise<void>(resolve => client.once('end', resolve))
    const query = failure(client.query('select pg_sleep(60)'))
    await terminate(Number(Reflect.get(client, 'processID')))
    await ended
    note(await query)
    client.release(true)
    note(await value(pool, 'select 1'))
    await pool.end()
  },

  'does not wait longer than connectionTimeoutMillis for a client': async ({ create, note }) => {
    const pool = create({ max: 1 })
    const client = await pool.connect()
    // Set afterwards, because a busy machine may need longer for the connection itself.
    pool.options.connectionTimeoutMillis = 100
    note(await failure(pool.query('select 1')), counts(pool))
    client.release()
    note(await value(pool, 'select 1'))
    await pool.end()
  },

  'fails if the connection does': async ({ create, note }) => {
    const pool = create({ database: 'nosuch' })
    note(await failure(pool.query('select 1')), await failure(pool.connect()), counts(pool))
    await new Promise<void>(resolve => pool.connect((error, client) => resolve(note(error?.message, client))))
    await pool.end()
  },

  'finishes running queries when it ends, and accepts no more': async ({ create, note }) => {
    const pool = create({ max: 2 })
    const [first, second] = [await pool.connect(), await pool.connect()]
    const ended = pool.end().then(() => note('ended', counts(pool)))
    note(await failure(pool.end()), await failure(pool.query('select 1')))
    await new Promise<void>(resolve => pool.end(((error: Error) => resolve(note(message(error)))) as () => void))
    note(await value(first, 'select 1'))
    first.release()
    await once(pool, 'remove')
    note(await value(second, 'select 2'))
    second.release()
    await ended
  },

  'pipelines queries': async ({ create, note }) => {
    const pool = create({ pipeline: true })
    const client = await pool.connect()
    note(await Promise.all([1, 2, 3].map(n => value(client, `select ${n}`))))
    note(await Promise.allSettled([value(client, 'select 4'), value(client, 'select bad'), value(client, 'select 5')]))
    client.release()
    await pool.end()
  },

  'reads by cursors and streams': async ({ create, note }) => {
    const pool = create()
    const client = await pool.connect()
    const cursor = client.query(new Cursor('select * from generate_series(1, 5) as n'))
    note(await cursor.read(2), await cursor.read(10))
    await cursor.close()
    const rows = []
    for await (const row of client.query(new QueryStream('select * from generate_series(1, 300) as n'))) rows.push(row)
    note(rows.length)
    client.release()
    await pool.end()
  },

  'prepares statements, and keeps transactions together': async ({ create, note }) => {
    const pool = create()
    const client = await pool.connect()
    await client.query('begin')
    await client.query('create temporary table t (n int) on commit drop')
    for (const n of [1, 2]) await client.query({ name: 'insert', text: 'insert into t values ($1)', values: [n] })
    note((await client.query({ text: 'select n from t', rowMode: 'array' })).rows)
    await client.query('rollback')
    note(await failure(client.query('select n from t')))
    client.release()
    await pool.end()
  },
}

/** Runs a scenario, and returns what happened, in order. Clients are numbered in order of appearance. */
export async function play(
  scenario: (scene: Scene) => Promise<void>,
  scene: Pick<Scene, 'create' | 'terminate'>,
): Promise<unknown[]> {
  const log: unknown[] = []
  const clients: object[] = []
  const numberOf = (client: object): number =>
    clients.includes(client) ? clients.indexOf(client) : clients.push(client) - 1
  let [connected, removed, ended] = [0, 0, 0]
  const create = (options?: pg.PoolConfig): pg.Pool => {
    const pool = scene.create(options)
    pool.on('connect', client => {
      connected++
      client.on('end', () => {
        ended++
        log.push(['client end', numberOf(client)])
      })
      log.push(['connect', numberOf(client)])
    })
    pool.on('acquire', client => void log.push(['acquire', numberOf(client)]))
    pool.on('remove', client => {
      removed++
      log.push(['remove', numberOf(client)])
    })
    for (const event of ['error', 'release'] as const)
      pool.on(event, (error, client) => void log.push([event, error ? message(error) : error, numberOf(client)]))
    return pool
  }
  await scenario({ ...scene, create, note: (...seen) => void log.push(seen) })
  await until('the last connection is closed', () => removed === connected && ended === connected)
  return log
}
