import { connect as connectSocket } from 'node:net'
import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { connect, fetchLogin } from './support/emulated-login.js'
import { startEmulator } from './support/emulator.js'
import { rejection } from './support/rejection.js'

describe('The emulator', () => {
  let emulator: RedshiftEmulator
  beforeEach(async () => {
    emulator = await startEmulator()
  })
  afterEach(() => emulator.close())

  it('takes a thousand logins at once', async function () {
    this.timeout(60_000)
    const { user, password } = await fetchLogin(emulator)
    const pool = new pg.Pool({ ...emulator.poolConfig(), user, password, max: 1000 })
    const clients = await Promise.all(Array.from({ length: 1000 }, () => pool.connect()))
    expect(emulator.connections).to.equal(1000)
    expect(emulator.logins.filter(({ ok }) => ok)).to.have.length(1000)
    for (const client of clients) client.release()
    await pool.end()
  })

  it('restarts on the same port: drops its connections, is away for a while, and takes the same logins again', async () => {
    const login = await fetchLogin(emulator)
    const { port } = emulator.address
    const client = await connect(emulator, login)
    const ended = new Promise(resolve => client.once('end', resolve))
    const restarted = emulator.restart({ downMillis: 300 })
    await ended
    expect(emulator.connections).to.equal(0)
    expect((await rejection(reach(port))).code).to.equal('ECONNREFUSED')
    await restarted
    expect(emulator.address.port).to.equal(port)
    await (await connect(emulator, login)).end()
  })

  it('restarts as often as told, also all at once, and closes in the middle of it', async () => {
    await Promise.all([emulator.restart(), emulator.restart(), emulator.restart()])
    await reach(emulator.address.port)
    const restarted = emulator.restart({ downMillis: 100 })
    await emulator.close()
    await restarted
    expect((await rejection(reach(emulator.address.port))).code).to.equal('ECONNREFUSED')
  })
})

function reach(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    }).once('error', reject)
  })
}
