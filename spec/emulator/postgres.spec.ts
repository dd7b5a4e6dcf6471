import { expect } from 'chai'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import type { Server } from '../../lib/emulator/postgres/server.js'
import { startServer } from '../../lib/emulator/postgres/start-server.js'
import { asSuperuser } from '../../lib/emulator/postgres/superuser.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { serverUrl } from '../support/postgres.js'
import { rejection } from '../support/rejection.js'

describe('The emulator with a running server', () => {
  let server: Server
  before(async () => {
    server = await startServer()
  })
  after(() => server.close())

  for (const method of ['scram-sha-256', 'md5', 'password', 'trust']) {
    it(`logs in with the authentication method ${method}`, async () => {
      await asSuperuser(server, 'postgres', async client => {
        const [{ hba_file: file }] = (await client.query('SHOW hba_file')).rows
        await client.query(`COPY (SELECT 'host all all 127.0.0.1/32 ${method}') TO '${file}'`)
        const loaded = async () => (await client.query('SELECT pg_conf_load_time() AS at')).rows[0].at.getTime()
        const before = await loaded()
        await client.query('SELECT pg_reload_conf()')
        while ((await loaded()) === before) await new Promise(resolve => setTimeout(resolve, 5))
      })
      const emulator = await startRedshiftEmulator({ postgres: serverUrl(server) })
      try {
        const client = await connect(emulator, await fetchLogin(emulator))
        expect((await client.query('SELECT current_user::text AS name')).rows).to.deep.equal([{ name: 'alice' }])
        await client.end()
      } finally {
        await emulator.close()
      }
    })
  }

  it('reports a server that cannot be reached', async () => {
    const error = await rejection(startRedshiftEmulator({ postgres: 'postgres://postgres@127.0.0.1:1' }))
    expect(error.code).to.equal('ECONNREFUSED')
  })
})
