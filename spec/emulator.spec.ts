import { GetClusterCredentialsCommand, RedshiftClient } from '@aws-sdk/client-redshift'
import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { startEmulator } from './support/emulator.js'

describe('The emulator', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  it('takes a login that its AWS handed out, as a user of exactly that name', async () => {
    const redshift = new RedshiftClient({ region: 'us-west-2', ...emulator.aws })
    const login = await redshift.send(
      new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice', AutoCreate: true }),
    )
    const client = new pg.Client({ ...emulator.poolConfig(), user: login.DbUser, password: login.DbPassword })
    await client.connect()
    const { rows } = await client.query('SELECT current_user::text AS name')
    await client.end()
    expect(rows).to.deep.equal([{ name: 'IAMA:alice' }])
  })
})
