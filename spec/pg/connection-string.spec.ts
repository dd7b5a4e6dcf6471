import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect } from 'chai'
import type pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import {
  type RedshiftCredentialsError,
  type RedshiftOptions,
  type RedshiftPgClientConfig,
  RedshiftPool,
  redshiftPoolOptions,
} from '../../lib/index.js'
import { clientClass } from '../../lib/pg/client.js'
import { parseConnectionString } from '../../lib/pg/connection-string.js'
import { startEmulator } from '../support/emulator.js'
import { pgVersions } from '../support/pg-versions.js'
import { expectError, rejection } from '../support/rejection.js'
import { noSockets } from '../support/until.js'

/** The form that the error recommends. */
const URL_FORM = 'postgres://IAM%3Aalice@host:5439/database'
const PROVISIONED = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const SERVERLESS = 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com'

for (const [version, module] of pgVersions)
  describe(`RedshiftPgClient on ${version}`, () => {
    const Client = clientClass(module.Client)
    let emulator: RedshiftEmulator
    let folder: string
    let rootCertificate: string

    before(async () => {
      emulator = await startEmulator({ databases: ['dev', 'prod'] })
      folder = mkdtempSync(join(tmpdir(), 'connection-string-'))
      rootCertificate = join(folder, 'ca.pem')
      writeFileSync(rootCertificate, emulator.ca)
    })
    afterEach(async () => {
      await noSockets(emulator)
      emulator.calls.length = emulator.logins.length = 0
    })
    after(async () => {
      rmSync(folder, { recursive: true })
      await emulator.close()
    })

    /** The result of a configuration: the host and port of the socket, and user, database and application name of the session. */
    const outcome = async (config: RedshiftPgClientConfig, redshift: RedshiftOptions = {}) => {
      const asked: unknown[] = []
      const stream = (): Socket => {
        const socket: Socket = emulator.stream()
        const connect = socket.connect as (...args: unknown[]) => Socket
        socket.connect = (...args: unknown[]) => {
          asked.push(...args)
          return connect.apply(socket, args)
        }
        return socket
      }
      const client = new Client({ stream, ...config, redshift: { aws: emulator.aws, ...redshift } })
      try {
        await client.connect()
        const { rows } = await client.query(
          `select session_user as "user", current_database() as database, current_setting('application_name') as app`,
        )
        const [port, host] = asked
        return { host, port, ...rows[0] }
      } finally {
        await client.end()
      }
    }
    const verified = (): { ssl: pg.ClientConfig['ssl'] } => ({ ssl: { ca: emulator.ca } })

    describe('with a connection string', () => {
      it("uses host, port, database, user and pg's other parameters", async () => {
        const connectionString = `postgres://IAM%3Aalice@${PROVISIONED}:5440/prod?application_name=report`
        expect(await outcome({ connectionString, ...verified() })).to.deep.equal({
          host: PROVISIONED,
          port: 5440,
          user: 'IAM:alice',
          database: 'prod',
          app: 'report',
        })
        expect(emulator.calls[0]?.parameters).to.include({ DbUser: 'alice', DbName: 'prod' })
      })

      it('prefers parameters to the other parts', async () => {
        const connectionString = `postgres://someone@elsewhere:1/dev?host=${PROVISIONED}&port=5441&user=IAM:bob`
        expect(await outcome({ connectionString, ...verified() })).to.include({
          host: PROVISIONED,
          port: 5441,
          user: 'IAM:bob',
          database: 'dev',
        })
      })

      it('accepts the form of libpq, with the host among the parameters', async () => {
        const connectionString = `postgres://IAM%3Aalice@/dev?host=${PROVISIONED}`
        expect(await outcome({ connectionString, ...verified() })).to.include({
          host: PROVISIONED,
          user: 'IAM:alice',
          database: 'dev',
        })
      })

      it("uses Redshift's port, and the user that AWS returns, if it has none", async () => {
        const connectionString = `redshift://${SERVERLESS}/dev`
        expect(await outcome({ connectionString, ...verified() })).to.include({ port: 5439, user: 'IAMR:analyst' })
      })

      it('reads missing parts from the configuration and the options', async () => {
        const connectionString = `postgres://${SERVERLESS}`
        for (const database of ['dev', 'prod'])
          expect(await outcome({ connectionString, database, port: 5442, ...verified() })).to.include({
            database,
            port: 5442,
          })
        expect(await outcome({ connectionString, ...verified() }, { database: 'prod', port: 5443 })).to.include({
          database: 'prod',
          port: 5443,
        })
      })

      it('prefers the string to the configuration, as pg does', async () => {
        const connectionString = `postgres://IAM%3Aalice@${PROVISIONED}:5440/dev`
        const config = { host: SERVERLESS, port: 1, database: 'prod', user: 'IAM:bob' }
        expect(await outcome({ connectionString, ...config, ...verified() })).to.include({
          host: PROVISIONED,
          port: 5440,
          database: 'dev',
          user: 'IAM:alice',
        })
      })

      it('connects to a tunnel for the cluster in the options', async () => {
        const { port } = emulator.address
        const connectionString = `postgres://127.0.0.1:${port}/dev`
        const ssl = { ca: emulator.ca, servername: SERVERLESS }
        expect(await outcome({ connectionString, ssl }, { host: SERVERLESS })).to.include({
          host: '127.0.0.1',
          user: 'IAMR:analyst',
        })
        expect(emulator.logins[0]).to.include({ host: SERVERLESS, ok: true })
      })

      it('accepts a string instead of a configuration', async () => {
        const client = new Client(`postgres://${SERVERLESS}/dev?sslmode=disable`)
        expect(await rejection(client.connect())).to.have.property('code', 'ERR_REDSHIFT_TLS')
      })

      it('verifies TLS unless the string says otherwise', async () => {
        const base = `postgres://${SERVERLESS}/dev`
        const untrusted = /SELF_SIGNED|UNABLE_TO_VERIFY/
        for (const [parameters, expected] of [
          ['', untrusted],
          ['?sslmode=verify-full', untrusted],
          ['?sslmode=require', untrusted],
          ['?ssl=true', untrusted],
          [`?sslmode=verify-full&sslrootcert=${rootCertificate}`, 'connects'],
          ['?sslmode=no-verify', 'connects'],
          ['?sslmode=disable', /^ERR_REDSHIFT_TLS$/],
          ['?ssl=0', /^ERR_REDSHIFT_TLS$/],
          ['?ssl=false', /^ERR_REDSHIFT_OPTION$/],
        ] as const) {
          const connected = outcome({ connectionString: base + parameters })
          if (expected === 'connects') expect((await connected).user).to.equal('IAMR:analyst')
          else expect((await rejection(connected)).code, parameters).to.match(expected)
        }
        const before = emulator.logins.length
        // The string takes precedence, as in pg.
        const config = { connectionString: `${base}?sslmode=disable`, ...verified() }
        expect(await rejection(outcome(config))).to.have.property('code', 'ERR_REDSHIFT_TLS')
        expect(emulator.logins).to.have.length(before)
      })

      for (const [what, make, ...names] of [
        [
          'a password',
          () => `postgres://IAM%3Aalice:hunter2@${PROVISIONED}/dev`,
          'connectionString',
          'password',
          '%3A',
        ],
        [
          'a password among its parameters',
          () => `postgres://${PROVISIONED}/dev?password=hunter2`,
          'connectionString',
          'password',
        ],
        [
          'a user with an unescaped colon',
          () => `postgres://IAM:hunter2@${PROVISIONED}/dev`,
          'connectionString',
          '%3A',
        ],
        ['a missing database', () => `postgres://IAM%3Aalice@${PROVISIONED}/?x=hunter2`, 'PGDATABASE'],
        ['a string that is not a URL', () => `${PROVISIONED} dev hunter2`, 'connectionString', URL_FORM],
        ['a path', () => '/var/run/hunter2 dev', 'connectionString', URL_FORM],
        [
          'a string that cannot be decoded',
          () => `postgres://hunter%E0%A4%A@${PROVISIONED}/dev`,
          'connectionString',
          URL_FORM,
        ],
        ['an invalid port', () => `postgres://${PROVISIONED}/dev?port=hunter`, 'port', '65535'],
      ] as const)
        it(`refuses ${what}`, async () => {
          const connectionString = make()
          const errors = [await rejection(outcome({ connectionString }))]
          for (const construct of [
            () => new RedshiftPool({ connectionString }),
            () => redshiftPoolOptions({}, { connectionString }),
          ])
            try {
              construct()
            } catch (error) {
              errors.push(error as Error)
            }
          expect(errors).to.have.length(3)
          for (const error of errors as RedshiftCredentialsError[]) {
            expectError(error, { code: 'ERR_REDSHIFT_OPTION', names })
            expect(inspect(error, { showHidden: true })).to.not.contain('hunter2')
          }
          expect(emulator.calls).to.have.length(0)
        })

      it('finds the same parts as pg', () => {
        for (const connectionString of [
          `postgres://IAM%3Aalice@${PROVISIONED}:5440/prod`,
          `postgresql://alice@${PROVISIONED.toUpperCase()}:5440/Prod?application_name=report#fragment`,
          'redshift://alice%2Breports@[::1]:5439/my%20database',
          `postgres://alice@/dev?host=${PROVISIONED}&port=5441`,
          `postgres://someone@elsewhere:1/dev?host=${PROVISIONED}&port=5441&user=IAM:bob`,
          `postgres://alice@${PROVISIONED}:1/dev?host=&port=&user=`,
          `postgres://alice@/dev?host=elsewhere&host=${PROVISIONED}&port=1&port=5441&user=x&user=bob`,
        ]) {
          const { host, port, database, user } = new module.Client({ connectionString })
          const parts = parseConnectionString(connectionString)
          expect(parts, connectionString).to.include({ host, port: String(port), database, user })
        }
      })

      it('reads the files in it only when it connects', async () => {
        const connectionString = `postgres://${SERVERLESS}/dev?sslrootcert=${join(folder, 'missing.pem')}`
        redshiftPoolOptions({}, { connectionString })
        const pool = new RedshiftPool({ connectionString })
        expect(await rejection(pool.connect())).to.have.property('code', 'ENOENT')
        await pool.end()
      })

      it('refuses a URL inside a URL, which would have the password in the database name', async () => {
        const rest = `alice:hunter2@${PROVISIONED}:5439/dev?host=${PROVISIONED}`
        const error = await rejection(outcome({ connectionString: `postgres://postgres://${rest}` }))
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['connectionString', URL_FORM] })
        expect(inspect(error, { showHidden: true })).to.not.contain('hunter2')
        expect(emulator.calls).to.have.length(0)
      })
    })

    describe('with environment variables', () => {
      const kept = { ...process.env }
      afterEach(() => {
        for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name]
        for (const [name, value] of Object.entries(kept)) if (name.startsWith('PG')) process.env[name] = value
      })

      it('uses PGHOST, PGPORT, PGDATABASE, PGUSER and PGAPPNAME, but not PGPASSWORD', async () => {
        Object.assign(process.env, {
          PGHOST: PROVISIONED,
          PGPORT: '5444',
          PGDATABASE: 'prod',
          PGUSER: 'IAM:alice',
          PGAPPNAME: 'report',
          PGPASSWORD: 'for another server',
        })
        expect(await outcome(verified())).to.deep.equal({
          host: PROVISIONED,
          port: 5444,
          user: 'IAM:alice',
          database: 'prod',
          app: 'report',
        })
      })

      it('refuses a PGPORT that is not a port, by its name', async () => {
        process.env.PGPORT = 'tcp://10.0.0.1:5439'
        const error = await rejection(outcome({ host: PROVISIONED, user: 'IAM:alice', database: 'dev', ...verified() }))
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: ['PGPORT', '"tcp://10.0.0.1:5439"', '65535'] })
      })

      it('requires the user of PGUSER if that is an IAM user and no option overrides it', async () => {
        const config = { database: 'dev', ...verified() }
        process.env.PGUSER = 'IAMR:boss'
        for (const host of [PROVISIONED, SERVERLESS]) {
          const error = await rejection(outcome({ host, ...config }))
          expectError(error, { code: 'ERR_REDSHIFT_USER_MISMATCH', names: ['"IAMR:boss"', '"IAMR:analyst"'] })
        }
        expect(emulator.logins).to.have.length(0)
        expect(await outcome({ host: PROVISIONED, user: 'IAM:alice', ...config })).to.include({ user: 'IAM:alice' })
        expect(await outcome({ host: PROVISIONED, ...config }, { dbUser: 'alice' })).to.include({ user: 'IAM:alice' })
        process.env.PGUSER = 'IAMR:analyst'
        expect(await outcome({ host: PROVISIONED, ...config })).to.include({ user: 'IAMR:analyst' })
        // A name without a prefix may be for other servers. It is used only if AWS requires a user.
        process.env.PGUSER = 'alice'
        expect(await outcome({ host: PROVISIONED, ...config })).to.include({ user: 'IAM:alice' })
        expect(await outcome({ host: SERVERLESS, ...config })).to.include({ user: 'IAMR:analyst' })
      })

      it('prefers the configuration and the options to them', async () => {
        Object.assign(process.env, { PGHOST: PROVISIONED, PGPORT: '5444', PGDATABASE: 'prod' })
        const config = { host: SERVERLESS, port: 5445, database: 'dev' }
        for (const found of [await outcome({ ...config, ...verified() }), await outcome(verified(), config)])
          expect(found).to.include({ ...config, user: 'IAMR:analyst' })
      })

      it('uses PGSSLMODE, and verifies TLS without it', async () => {
        const config = { host: SERVERLESS, database: 'dev' }
        expect((await rejection(outcome(config))).code).to.match(/SELF_SIGNED|UNABLE_TO_VERIFY/)
        process.env.PGSSLMODE = 'no-verify'
        expect(await outcome(config)).to.include({ user: 'IAMR:analyst' })
        for (const mode of ['require', 'verify-full']) {
          process.env.PGSSLMODE = mode
          expect((await rejection(outcome(config))).code).to.match(/SELF_SIGNED|UNABLE_TO_VERIFY/)
          expect(await outcome({ ...config, ...verified() })).to.include({ user: 'IAMR:analyst' })
        }
        for (const mode of ['disable', 'allow']) {
          process.env.PGSSLMODE = mode
          expect(await rejection(outcome(config))).to.have.property('code', 'ERR_REDSHIFT_TLS')
          expect(await outcome(config, verified())).to.include({ user: 'IAMR:analyst' })
        }
      })
    })
  })
