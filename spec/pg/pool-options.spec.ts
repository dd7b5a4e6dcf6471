import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect } from 'chai'
import pg from 'pg'
import PgPool from 'pg-pool'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  RedshiftCredentials,
  RedshiftPgClient,
  type RedshiftPgOptions,
  redshiftPassword,
  redshiftPoolOptions,
} from '../../lib/index.js'
import { userOfPool } from '../support/current-user.js'
import { cleanUp, startEmulator } from '../support/emulator.js'
import { runExample } from '../support/example.js'
import { pgVersions } from '../support/pg-versions.js'
import { expectError, rejection, thrownBy } from '../support/rejection.js'

const HOST = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

describe('redshiftPoolOptions()', () => {
  let emulator: RedshiftEmulator
  let credentials: RedshiftCredentials

  before(async () => {
    emulator = await startEmulator()
  })
  beforeEach(() => {
    credentials = new RedshiftCredentials({ aws: emulator.aws })
  })
  afterEach(async () => {
    await credentials.close()
  })
  cleanUp(() => emulator)

  const options = (more: RedshiftPgOptions = {}, host?: 'provisioned') =>
    redshiftPoolOptions(credentials, { ...emulator.poolConfig(host ?? 'serverless'), ...more })
  const plain = (given: object) =>
    Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value !== 'function'))

  it('contains the default port and TLS, and everything that identifies the connection', () => {
    const made = redshiftPoolOptions({ host: HOST, database: 'dev' })
    expect(plain(made)).to.deep.equal({ host: HOST, port: 5439, database: 'dev', ssl: true })
    expect(made.Client).to.be.a('function')
    expect(made.password).to.be.a('function')
  })

  it('contains the user if it is known, for a plain pg.Client', () => {
    const user = (source: object) => redshiftPoolOptions({ host: HOST, database: 'dev', ...source }).user
    expect(user({ dbUser: 'alice' })).to.equal('IAM:alice')
    expect(user({ dbUser: 'alice', autoCreate: true })).to.equal('IAMA:alice')
    expect(user({ user: 'IAMR:analyst' })).to.equal('IAMR:analyst')
    // AWS appends the group to the name.
    expect(user({ dbUser: 'alice', dbGroups: ['readers'] })).to.equal(undefined)
  })

  it("lets pg's own options take precedence, except undefined ones", () => {
    const source = { host: HOST, port: 5440, database: 'dev', user: 'IAMR:analyst', ssl: true }
    // Without its own check, it would get one that accepts the cluster's name.
    const ssl = { ca: 'x', checkServerIdentity: () => undefined }
    const own = { host: '127.0.0.1', port: 15439, database: 'dev', user: 'IAMR:admin', ssl, max: 3 }
    expect(plain(redshiftPoolOptions(source, own))).to.deep.equal(own)
    const nothing = { host: undefined, port: undefined, database: undefined, user: undefined, ssl: undefined }
    expect(plain(redshiftPoolOptions(source, nothing as RedshiftPgOptions))).to.deep.equal(source)
  })

  it('extends the given Client, and uses one that extends RedshiftPgClient unchanged', async () => {
    for (const Client of [class extends pg.Client {}, class extends RedshiftPgClient {}]) {
      const pool = new pg.Pool(options({ Client }))
      const client = await pool.connect()
      expect(client).to.be.an.instanceOf(Client).and.an.instanceOf(pg.Client)
      client.release()
      await pool.end()
    }
    expect(emulator.calls).to.have.length(1)
  })

  it('omits a host that is looked up, because pg would use its default', () => {
    const made = redshiftPoolOptions({ workgroupName: 'analytics', region: 'us-west-2', database: 'dev' })
    expect(plain(made)).to.deep.equal({ database: 'dev', ssl: true })
    expect(made).to.not.have.any.keys('host', 'port')
  })

  for (const [version, module] of pgVersions) {
    it(`logs pools of ${version} and the standalone pg-pool in as the user that AWS returns`, async () => {
      const made = options({ Client: module.Client })
      const pools = [new module.Pool(made), new PgPool(made), new PgPool(options({ Client: module.Client }))]
      expect(await Promise.all(pools.map(userOfPool))).to.deep.equal(Array(3).fill('IAMR:analyst'))
      expect(emulator.calls).to.have.length(1)
    })

    it(`returns a Client that extends the caller's copy of ${version}`, async () => {
      const pool = new module.Pool(options({ Client: module.Client }))
      const client = await pool.connect()
      expect(client).to.be.an.instanceOf(module.Client)
      client.release()
      await pool.end()
    })

    it(`logs in a plain client of ${version} if the user is known`, async () => {
      const { Client: _, ...given } = options({ user: 'IAM:alice' }, 'provisioned')
      const client = new module.Client(given)
      await client.connect()
      expect((await client.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAM:alice' }])
      await client.end()
    })

    it(`is not needed for pg-pool with ${version} if a password function is enough`, async () => {
      const password = redshiftPassword(credentials)
      const given = { ...emulator.poolConfig(), user: 'IAM:alice', password, Client: module.Client }
      expect(await userOfPool(new PgPool(given))).to.equal('IAM:alice')
    })
  }

  it('can be copied and deep-copied, as libraries do', async () => {
    const copy = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)]))
        : value
    expect(await userOfPool(new pg.Pool(copy(options()) as pg.PoolConfig))).to.equal('IAMR:analyst')
  })

  it('does not close the credentials that it was given', async () => {
    await userOfPool(new pg.Pool(options()))
    expect(await credentials.get(emulator.poolConfig('serverless'))).to.have.property('user', 'IAMR:analyst')
  })

  it('shows no secret', async () => {
    const made = redshiftPoolOptions({ aws: emulator.aws }, emulator.poolConfig('serverless'))
    expect(await userOfPool(new pg.Pool(made))).to.equal('IAMR:analyst')
    const shown = `${inspect(made, { depth: null, showHidden: true })} ${JSON.stringify(made)}`
    for (const secret of Object.values(emulator.aws.credentials)) expect(shown).to.not.contain(secret)
  })

  it('refuses an invalid configuration', () => {
    const expectRefused = (names: readonly string[], source: object, own?: RedshiftPgOptions): void => {
      expectError(
        thrownBy(() => redshiftPoolOptions(source, own)),
        { code: 'ERR_REDSHIFT_OPTION', names, omits: ['hunter2'] },
      )
    }
    expectRefused(['database', 'PGDATABASE'], { host: HOST })
    expectRefused(['durationSeconds', '5', '900'], { host: HOST, database: 'dev', durationSeconds: 5 })
    expectRefused(['password'], { host: HOST, database: 'dev' }, { password: 'hunter2' })
  })

  it('makes connections without TLS fail', async () => {
    const pool = new pg.Pool(options({ ssl: false }))
    expect(await rejection(pool.query('select 1'))).to.have.property('code', 'ERR_REDSHIFT_TLS')
    await pool.end()
  })

  describe('on pg.native', () => {
    let folder: string
    before(() => {
      // The real binding is an optional package with native code. This one only fails if it is asked to connect.
      folder = mkdtempSync(join(tmpdir(), 'pg-native-'))
      mkdirSync(join(folder, 'pg-native'))
      writeFileSync(
        join(folder, 'pg-native', 'index.js'),
        `module.exports = class Native extends require('node:events') {
          connect() { console.log('connected') }
          end(callback) { callback() }
        }`,
      )
    })
    after(() => rmSync(folder, { recursive: true }))

    const run = async (env: Record<string, string>): Promise<unknown> => {
      const { code, stdout, stderr } = await runExample('spec/programs/native.ts', emulator, {
        env: { NODE_PATH: folder, ...env },
      })
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      return JSON.parse(stdout)
    }

    it('refuses to connect, however native was selected', async () => {
      const native = 'ERR_REDSHIFT_NATIVE'
      const [told, forced] = await Promise.all([run({}), run({ NODE_PG_FORCE_NATIVE: '1' })])
      expect(told).to.deep.equal([native, 0])
      expect(forced).to.deep.equal([native, native, native, native, 0, 0, 0])
      expect(emulator.calls).to.have.length(0)
    })
  })
})
