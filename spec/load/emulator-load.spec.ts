import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import pg from 'pg'
import { type RedshiftEmulator, startRedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('Ten emulators with separate servers', () => {
  const { TMPDIR } = process.env
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ten-emulators-'))
    // PostgreSQL may run as another account.
    chmodSync(folder, 0o755)
    process.env.TMPDIR = folder
  })
  after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(folder, { recursive: true, force: true })
  })

  it('start at the same time, accept logins, and leave nothing behind', async () => {
    const emulators = await Promise.all(Array.from({ length: 10 }, () => startRedshiftEmulator()))
    try {
      expect(readdirSync(folder)).to.have.length(10)
      const clients = await Promise.all(emulators.map(async one => connect(one, await fetchLogin(one))))
      await Promise.all(clients.map(client => client.end()))
      await Promise.all(emulators.map(one => one.close()))
      expect(readdirSync(folder)).to.deep.equal([])
      const servers = emulators.map(one => rejection(one.query('SELECT 1')))
      expect((await Promise.all(servers)).map(({ code }) => code)).to.deep.equal(Array(10).fill('ECONNREFUSED'))
    } finally {
      await Promise.all(emulators.map(one => one.close()))
    }
  })
})

describe('The emulator', () => {
  let emulator: RedshiftEmulator
  beforeEach(async () => {
    emulator = await startEmulator()
  })
  afterEach(() => emulator.close())

  it('accepts a thousand concurrent logins', async () => {
    const { user, password } = await fetchLogin(emulator)
    const pool = new pg.Pool({ ...emulator.poolConfig(), user, password, max: 1000 })
    const clients = await Promise.all(Array.from({ length: 1000 }, () => pool.connect()))
    expect(emulator.connections).to.equal(1000)
    expect(emulator.logins.filter(({ ok }) => ok)).to.have.length(1000)
    for (const client of clients) client.release()
    await pool.end()
  })

  it('restarts on the same port: it closes its connections, pauses, and accepts the same logins again', async () => {
    const login = await fetchLogin(emulator, { DbUser: 'restarted' })
    const { port } = emulator.address
    const client = await connect(emulator, login)
    const ended = new Promise(resolve => client.once('end', resolve))
    const restarted = emulator.restart({ downMillis: 2_000 })
    await ended
    expect(emulator.connections).to.equal(0)
    expect((await rejection(reach(port))).code).to.equal('ECONNREFUSED')
    await restarted
    expect(emulator.address.port).to.equal(port)
    await sessionsEnded(emulator, login.user)
    await (await connect(emulator, login)).end()
  })

  it('ends the sessions of clients that disconnect, and the connections of sessions that end', async () => {
    const login = await fetchLogin(emulator, { DbUser: 'leaving' })
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const client = await connect(emulator, login)
      const { connection } = client as unknown as { connection: { stream: { _parent: Socket } } }
      connection.stream._parent[leave]()
      await sessionsEnded(emulator, login.user)
    }
    const client = await connect(emulator, login)
    const failure = rejection(client.query('SELECT pg_sleep(60)'))
    await emulator.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${login.user}'`)
    expect((await failure).code).to.equal('57P01')
    while (emulator.connections > 0) await new Promise(resolve => setTimeout(resolve, 10))
  })

  it('restarts as often as requested, also concurrently, and can be closed meanwhile', async () => {
    await Promise.all([emulator.restart(), emulator.restart(), emulator.restart()])
    const client = await connect(emulator, await fetchLogin(emulator))
    const ended = new Promise(resolve => client.once('end', resolve))
    const restarted = emulator.restart({ downMillis: 2 ** 31 - 1 })
    await ended
    await emulator.close()
    await restarted
    expect((await rejection(reach(emulator.address.port))).code).to.equal('ECONNREFUSED')
  })
})

/** Waits until the server behind the gateway has no session of this user. */
async function sessionsEnded(emulator: RedshiftEmulator, user: string): Promise<void> {
  const count = `SELECT count(*)::integer AS sessions FROM pg_stat_activity WHERE usename = '${user}'`
  while ((await emulator.query(count))[0]?.sessions !== 0) await new Promise(resolve => setTimeout(resolve, 10))
}

function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    }).once('error', reject)
  })
}
