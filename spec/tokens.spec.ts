import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { getEventListeners } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { expect } from 'chai'
import knex from 'knex'
import type pg from 'pg'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import {
  type FetchEndMessage,
  type IdentityProvider,
  RedshiftCredentials,
  type RedshiftOptions,
  RedshiftPool,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPassword,
  redshiftPoolOptions,
} from '../lib/index.js'
import { clientClass } from '../lib/pg/client.js'
import { CURRENT_USER, userOfClient, userOfPool } from './support/current-user.js'
import { cleanUp, startEmulator } from './support/emulator.js'
import { runExample } from './support/example.js'
import { codeBlocks } from './support/markdown.js'
import { pgVersions } from './support/pg-versions.js'
import { expectError, rejection, thrownBy } from './support/rejection.js'
import { until } from './support/until.js'

const API = 'GetIdentityCenterAuthToken'

describe('Tokens', () => {
  let emulator: RedshiftEmulator
  const made: RedshiftCredentials[] = []

  before(async () => {
    emulator = await startEmulator({
      people: { AKIABOB: 'bob@example.com', AKIAROLE: null },
      hosts: [
        'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
        'other.abc123xyz789.us-west-2.redshift.amazonaws.com',
        'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com',
      ],
    })
  })
  afterEach(async () => {
    await Promise.all(made.splice(0).map(each => each.close()))
  })
  cleanUp(() => emulator)

  const config = (target: 'provisioned' | 'serverless' | (string & {}) = 'provisioned') => {
    const { host, ...connection } = emulator.poolConfig(target)
    return { host, ...connection }
  }
  const credentials = (options: RedshiftOptions = {}): RedshiftCredentials => {
    const created = new RedshiftCredentials({ api: API, aws: emulator.aws, ...options })
    made.push(created)
    return created
  }
  const providing = (provider: Partial<IdentityProvider>): RedshiftCredentials => {
    const { type = 'AwsIdc', token = () => emulator.issueToken().token, ...more } = provider
    const identityProvider = { type, token, ...(type === 'AwsIdc' && { tokenType: 'ACCESS_TOKEN' as const }), ...more }
    const created = new RedshiftCredentials({ identityProvider })
    made.push(created)
    return created
  }

  for (const [version, module] of pgVersions) {
    const Client = clientClass(module.Client)

    describe(`of AWS, on ${version},`, () => {
      for (const target of ['provisioned', 'serverless'])
        it(`log the person in to a ${target} target, with one call for any number of connections`, async () => {
          const redshift = credentials()
          const clients = Array.from({ length: 20 }, () => new Client({ ...config(target), redshift }))
          const names = await Promise.all(clients.map(userOfClient))
          expect(new Set(names)).to.deep.equal(new Set(['awsidc:alice@example.com']))
          expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal([API])
          expect(emulator.calls[0]?.parameters).to.deep.equal(
            target === 'serverless' ? { workgroupNames: ['analytics'] } : { ClusterIds: ['examplecluster'] },
          )
        })

      it('are never in the objects of pg', async () => {
        const redshift = credentials()
        const client = new Client({ ...config(), redshift })
        await client.connect()
        const { token } = await redshift.getToken({ host: config().host })
        expect(token).to.have.length.above(1_000)
        for (const value of [client, redshift, redshift.status()]) {
          expect(inspect(value, { depth: 20, showHidden: true, getters: true })).to.not.include(token)
          expect(inspect(value, { depth: 20, showHidden: true })).to.not.include(token.slice(0, 40))
        }
        expect(client).to.include({ password: null, user: undefined })
        await client.end()
      })
    })

    describe(`of an application, on ${version},`, () => {
      it('log the person in, without a call to AWS', async () => {
        const redshift = providing({ token: () => emulator.issueToken({ person: 'carol@example.com' }).token })
        expect(await userOfClient(new Client({ ...config(), redshift }))).to.equal('awsidc:carol@example.com')
        expect(await userOfClient(new Client({ ...config('serverless'), redshift }))).to.equal(
          'awsidc:carol@example.com',
        )
        expect(emulator.calls).to.deep.equal([])
        expect(emulator.logins.map(({ serial }) => serial)).to.satisfy(([one, two]: number[]) => one === two)
      })

      it('are requested for each connection if they are single-use', async () => {
        let asked = 0
        const token = () => {
          asked++
          return emulator.issueToken({ tokenType: 'EXT_JWT' }).token
        }
        const redshift = providing({ tokenType: 'EXT_JWT', token })
        const clients = Array.from({ length: 5 }, () => new Client({ ...config(), redshift }))
        await Promise.all(clients.map(userOfClient))
        expect(asked).to.equal(5)
        expect(redshift.status()).to.deep.equal([])
        expect(new Set(emulator.logins.map(({ serial, ok }) => `${serial} ${ok}`)).size).to.equal(5)
      })

      it('are requested for any number of callers with one signal, without a warning of Node', async () => {
        const warnings: Error[] = []
        const note = (warning: Error) => void warnings.push(warning)
        process.on('warning', note)
        const controller = new AbortController()
        const redshift = providing({ tokenType: 'EXT_JWT', token: () => new Promise<string>(() => {}) })
        const { signal } = controller
        const failures = Array.from({ length: 12 }, () => rejection(redshift.getToken(undefined, { signal })))
        const reason = new Error('enough')
        controller.abort(reason)
        expect(await Promise.all(failures)).to.deep.equal(Array(12).fill(reason))
        // Node emits its warnings in a later turn.
        await new Promise(setImmediate)
        process.off('warning', note)
        expect(warnings).to.deep.equal([])
      })

      it('are rejected, with the remedy, if a single-use one is returned twice', async () => {
        const { token } = emulator.issueToken({ tokenType: 'EXT_JWT' })
        const redshift = providing({ tokenType: 'EXT_JWT', token: () => token })
        await userOfClient(new Client({ ...config(), redshift }))
        const error = await rejection(userOfClient(new Client({ ...config(), redshift })))
        expectError(error, {
          code: 'ERR_REDSHIFT_LOGIN_REJECTED',
          names: ['Token credentials expired or invalid', 'EXT_JWT'],
        })
      })

      it('are sent with the namespace and the provider', async () => {
        for (const type of ['AzureAD', 'Okta'] as const) {
          const token = () => emulator.issueToken({ type }).token
          expect(await userOfClient(new Client({ ...config(), redshift: providing({ type, token }) }))).to.equal(
            `${type.toLowerCase()}:alice@example.com`,
          )
        }
        const named = providing({ namespace: 'work', providerName: 'idc' })
        expect(await userOfClient(new Client({ ...config(), redshift: named }))).to.equal('work:alice@example.com')
      })
    })
  }

  it('work with every entry point that supports them', async () => {
    const redshift = credentials()
    const name = 'awsidc:alice@example.com'
    expect(await userOfPool(new RedshiftPool({ ...config(), redshift }))).to.equal(name)
    for (const [, module] of pgVersions)
      expect(
        await userOfPool(new module.Pool(redshiftPoolOptions(redshift, { ...config(), Client: module.Client }))),
      ).to.equal(name)
    const db = knex({
      client: 'redshift',
      connection: redshiftKnexConnection(redshift, config()),
      pool: { min: 0, max: 1 },
    })
    for (let round = 0; round < 3; round++) expect((await db.raw(CURRENT_USER)).rows[0].name).to.equal(name)
    await db.destroy()
    // One for the connections, each with the host's own name, and one connection of Knex for its three queries.
    expect(emulator.calls).to.have.length(1)
    expect(emulator.logins).to.have.length(4)
  })

  it('are rejected, before anything is sent, by entry points that send a user name first', async () => {
    const redshift = credentials()
    const instead = { code: 'ERR_REDSHIFT_OPTION', names: ['RedshiftPool', 'getToken()'] } as const
    for (const run of [() => redshiftPassword(redshift), () => redshiftBeforeConnect(redshift)])
      expectError(thrownBy(run), instead)
    const method = redshiftKnexConnection(redshift, config())
    expectError(await rejection(method.call(undefined)), instead)
    expectError(await rejection(redshift.get(config())), instead)
    const { Client, ...plain } = redshiftPoolOptions(redshift, config())
    expectError(await rejection((plain.password as () => Promise<string>)()), instead)
    const forPasswords = new RedshiftCredentials({ host: config().host })
    expectError(await rejection(forPasswords.getToken(config())), {
      code: 'ERR_REDSHIFT_OPTION',
      names: ['get()', 'api', `'${API}'`, 'identityProvider'],
    })
    expect([emulator.calls, emulator.logins]).to.deep.equal([[], []])
  })

  const refused: readonly (readonly [option: string, value: unknown])[] = [
    ['dbUser', 'alice'],
    ['dbGroups', ['a']],
    ['autoCreate', true],
    ['user', 'IAM:alice'],
    ['dbName', 'dev'],
    ['dbName', null],
    ['durationSeconds', 900],
    ['customDomainName', 'db.example.com'],
  ]
  const method = async () => undefined
  const store = { identity: 'x', read: method, claim: method, write: method, release: method, remove: method }
  for (const [option, value] of [...refused, ['store', store] as const])
    it(`cannot be combined with ${option} ${value === null ? 'null' : ''}`, () => {
      for (const token of [{ api: API }, { identityProvider: { type: 'Okta', token: () => 'x' } }]) {
        const error = thrownBy(() => new RedshiftCredentials({ ...token, [option]: value } as RedshiftOptions))
        const [by = ''] = 'api' in token ? [API] : Object.keys(token)
        expectError(error, { code: 'ERR_REDSHIFT_OPTION', names: [option, by] })
      }
    })
  for (const option of ['api', 'aws', 'region', 'clusterIdentifier', 'workgroupName'])
    it(`of an application cannot be combined with ${option}, because AWS is not called`, () => {
      const values: Record<string, unknown> = {
        api: API,
        aws: {},
        region: 'us-west-2',
        clusterIdentifier: 'x',
        workgroupName: 'wgx',
      }
      const options = { identityProvider: { type: 'Okta', token: () => 'x' }, [option]: values[option] }
      expectError(
        thrownBy(() => new RedshiftCredentials(options as RedshiftOptions)),
        { code: 'ERR_REDSHIFT_OPTION', names: [option, 'identityProvider', 'AWS'] },
      )
    })

  it('cannot be combined with a user in the configuration of pg, and ignore the one in the environment', async () => {
    const redshift = credentials()
    const { PGUSER } = process.env
    process.env.PGUSER = 'IAM:mallory'
    try {
      expect(await userOfPool(new RedshiftPool({ ...config(), redshift }))).to.equal('awsidc:alice@example.com')
    } finally {
      if (PGUSER === undefined) delete process.env.PGUSER
      else process.env.PGUSER = PGUSER
    }
    expectError(
      thrownBy(() => new RedshiftPool({ ...config(), user: 'IAM:alice', redshift })),
      { code: 'ERR_REDSHIFT_OPTION', names: ['user', 'token'] },
    )
  })

  it('differ between AWS identities, and a role without a person gets an error', async () => {
    const keys = (accessKeyId: string) => ({ ...emulator.aws, credentials: { accessKeyId, secretAccessKey: 'x' } })
    const bob = credentials({ aws: keys('AKIABOB') })
    expect(await userOfPool(new RedshiftPool({ ...config(), redshift: bob }))).to.equal('awsidc:bob@example.com')
    const role = credentials({ aws: { ...keys('AKIAROLE'), maxAttempts: 1 } })
    for (const target of ['provisioned', 'serverless']) {
      const error = await rejection(role.getToken(config(target)))
      expectError(error, { code: 'ERR_REDSHIFT_UNSUPPORTED', names: ['AssumeRole', 'ProvidedContexts'] })
    }
  })

  it('of one cluster are not sent to another', async () => {
    const redshift = credentials()
    const other = config('other.abc123xyz789.us-west-2.redshift.amazonaws.com')
    await userOfPool(new RedshiftPool({ ...config(), redshift }))
    await userOfPool(new RedshiftPool({ ...other, redshift }))
    expect(emulator.calls.map(({ parameters }) => parameters)).to.deep.equal([
      { ClusterIds: ['examplecluster'] },
      { ClusterIds: ['other'] },
    ])
    expect(emulator.logins.map(({ ok }) => ok)).to.deep.equal([true, true])
    // Those for different databases are.
    expect(await redshift.getToken({ ...config(), database: 'x' })).to.equal(await redshift.getToken(config()))
    expect(redshift.status().map(({ api, target, database, user }) => ({ api, target, database, user }))).to.deep.equal(
      [
        { api: API, target: 'examplecluster', database: undefined, user: undefined },
        { api: API, target: 'other', database: undefined, user: undefined },
      ],
    )
  })

  it('of one person are not sent for another if both use the same options object', async () => {
    const identityProvider: IdentityProvider = { type: 'Okta', token: () => '' }
    const redshift = { identityProvider }
    for (const [, { Pool, Client }] of pgVersions)
      for (const person of ['alice@example.com', 'bob@example.com']) {
        identityProvider.token = () => emulator.issueToken({ type: 'Okta', person }).token
        const pool = new Pool({ ...config(), Client: clientClass(Client), redshift } as pg.PoolConfig)
        expect(await userOfPool(pool)).to.equal(`okta:${person}`)
      }
  })

  it('of an application are sent only to the cluster that the options name', async () => {
    const { host } = config()
    const other = 'other.abc123xyz789.us-west-2.redshift.amazonaws.com'
    for (const tokenType of ['ACCESS_TOKEN', 'EXT_JWT'] as const) {
      let asked = 0
      const identityProvider = { type: 'AwsIdc', tokenType, token: () => `${asked++}` } as const
      const redshift = new RedshiftCredentials({ host, identityProvider })
      made.push(redshift)
      const error = await rejection(userOfPool(new RedshiftPool({ ...config(other), redshift })))
      expect(error).to.have.property('code', 'ERR_REDSHIFT_TARGET')
      expect(asked).to.equal(0)
    }
    expect(emulator.logins).to.deep.equal([])
  })

  it('need an identityProvider that can be copied', () => {
    class Provider {
      type = 'Okta'
      token = () => 'x'
    }
    expectError(
      thrownBy(() => new RedshiftCredentials({ identityProvider: new Provider() as IdentityProvider })),
      { code: 'ERR_REDSHIFT_OPTION', names: ['identityProvider', 'Provider'] },
    )
  })

  it('are replaced within the connection if Redshift rejects them', async () => {
    const redshift = credentials()
    await userOfPool(new RedshiftPool({ ...config(), redshift }))
    const before = await redshift.getToken(config())
    emulator.revokeLogins()
    expect(await userOfPool(new RedshiftPool({ ...config(), redshift }))).to.equal('awsidc:alice@example.com')
    expect(await redshift.getToken(config())).to.not.equal(before)
    expect(emulator.logins.map(({ ok, sqlstate }) => sqlstate ?? ok)).to.deep.equal([true, '28000', true])
    expect(emulator.calls).to.have.length(2)
    expect(redshift.invalidate(before)).to.equal(true)
  })

  it('are not replaced if Redshift reports a configuration problem', async () => {
    const redshift = credentials()
    const register = ['CREATE IDENTITY PROVIDER', 'identityProvider.type']
    for (const [sqlstate, message, code, names] of [
      ['0A000', 'identity provider type "awsidc" is not supported', 'ERR_REDSHIFT_UNSUPPORTED', register],
      [
        '28000',
        "Invalid scope. User's credentials are not authorized to connect to Amazon Redshift",
        'ERR_REDSHIFT_ACCESS_DENIED',
        ['redshift:connect'],
      ],
      ['28000', 'AWS IdC identity provider does not exist', 'ERR_REDSHIFT_UNSUPPORTED', register],
    ] as const) {
      using _ = emulator.fail({ kind: 'reject-login', sqlstate, message })
      const error = await rejection(userOfPool(new RedshiftPool({ ...config(), redshift })))
      expectError(error, { code, names: [message, ...names] })
    }
    expect(emulator.calls).to.have.length(1)
  })

  it('are frozen, and hidden from inspection', async () => {
    const token = await credentials().getToken(config())
    expect(Object.keys(token)).to.deep.equal(['expiration'])
    expect(Object.isFrozen(token)).to.equal(true)
    const secret = token.token
    for (const shown of [
      inspect(token, { showHidden: true, getters: true, depth: 9 }),
      JSON.stringify(token),
      String(token),
      JSON.stringify({ ...token }),
    ])
      expect(shown).to.not.include(secret.slice(0, 30))
    expect(() => structuredClone(token)).to.not.throw()
  })

  describe('of an application', () => {
    const jwt = (claims: object) => ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'c2ln'].join('.')
    const lifetime = async (given: unknown): Promise<number> => {
      const now = Date.now()
      const { expiration } = await providing({ token: () => given as string }).getToken()
      return Math.round((expiration.getTime() - now) / 1_000)
    }
    it('expire when the function says, or else at their exp, or else after 15 minutes; at most after a day', async () => {
      const in5 = new Date(Date.now() + 300_000)
      const exp = Math.floor(Date.now() / 1_000) + 1_800
      expect(await lifetime({ token: jwt({ exp }), expiration: in5 })).to.be.closeTo(300, 2)
      expect(await lifetime(jwt({ exp }))).to.be.closeTo(1_800, 2)
      expect(await lifetime({ token: jwt({ exp }) })).to.be.closeTo(1_800, 2)
      for (const opaque of ['opaque', 'a.b.c', jwt({}), jwt({ exp: 'soon' }), 'e30.bm90anNvbg.x'])
        expect(await lifetime(opaque)).to.be.closeTo(900, 2)
      expect(await lifetime(jwt({ exp: exp * 2 }))).to.be.closeTo(86_400, 2)
    })

    it('cause an error if the function fails or returns no valid token, and its result is never quoted', async () => {
      const secret = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.U2VjcmV0U2lnbmF0dXJlT2ZUaGVUb2tlbg'
      const bad: [given: unknown, ...names: string[]][] = [
        [undefined],
        [''],
        [5],
        [{ access_token: secret }],
        [`${secret} `, 'spaces'],
        [`${secret}\0`, 'spaces'],
        [{ token: secret, expiration: '2030' }, 'expiration', 'Date'],
        [{ token: secret, expiration: new Date(Number.NaN) }, 'expiration', 'Date'],
        [{ token: secret, expiration: new Date(0) }, 'expired'],
        [{ token: secret, expiration: new Date(Date.now() + 1_500) }, 'expired'],
        [jwt({ exp: 1 }), 'expired'],
      ]
      for (const [given, ...names] of bad) {
        const error = await rejection(providing({ token: () => given as string }).getToken())
        const omits = ['spaces', 'expired'].filter(fault => !names.includes(fault))
        expectError(error, { code: 'ERR_REDSHIFT_RESPONSE', names: ['identityProvider.token', ...names], omits })
        expect(inspect(error, { depth: 9, showHidden: true })).to.not.include(secret)
      }
      const failing = providing({ token: () => Promise.reject(new Error(`refresh failed for ${secret}`)) })
      const error = await rejection(failing.getToken())
      expect(error).to.have.property('code', 'ERR_REDSHIFT_UNAVAILABLE')
      expect(inspect(error, { depth: 9, showHidden: true })).to.not.include('U2VjcmV0U2lnbmF0dXJlT2ZUaGVUb2tlbg')
      const throwing = providing({ token: () => Promise.reject(secret) })
      expectError(await rejection(throwing.getToken()), {
        code: 'ERR_REDSHIFT_UNAVAILABLE',
        names: ['identityProvider.token', 'threw'],
        omits: [secret],
      })
    })

    it('are awaited until the deadline, which aborts the function', async () => {
      let aborted: AbortSignal | undefined
      for (const tokenType of ['ACCESS_TOKEN', 'EXT_JWT'] as const) {
        const identityProvider: IdentityProvider = {
          type: 'AwsIdc',
          tokenType,
          token: ({ signal }) => {
            aborted = signal
            return new Promise(() => {})
          },
        }
        const redshift = new RedshiftCredentials({ identityProvider, fetchTimeoutMillis: 20 })
        const error = await rejection(redshift.getToken())
        expectError(error, { code: 'ERR_REDSHIFT_TIMEOUT', names: ['identityProvider.token', '20 ms'] })
        expect(aborted?.aborted).to.equal(true)
        await redshift.close()
        expect(await rejection(redshift.getToken())).to.have.property('code', 'ERR_REDSHIFT_CLOSED')
      }
    })

    it('are reported on the diagnostics channels, also if they are single-use', async () => {
      const seen: unknown[] = []
      const note = (message: unknown, name: string | symbol): void =>
        void seen.push({ name, ...(message as FetchEndMessage) })
      const names = ['pg-redshift-iam:fetch-start', 'pg-redshift-iam:fetch-end']
      for (const name of names) subscribe(name, note)
      const single = providing({ tokenType: 'EXT_JWT' })
      const { expiration } = await single.getToken()
      await rejection(providing({ tokenType: 'EXT_JWT', token: () => '' }).getToken())
      const controller = new AbortController()
      const unused = providing({ tokenType: 'EXT_JWT' }).getToken(undefined, { signal: controller.signal })
      controller.abort()
      await rejection(unused)
      for (const name of names) unsubscribe(name, note)
      const [started, fetched, , failed, , aborted] = seen
      expect(started).to.include({ name: names[0], api: 'identityProvider', target: 'AwsIdc', background: false })
      expect(fetched).to.deep.include({ name: names[1], outcome: 'fetched', expiration })
      expect(failed).to.include({ outcome: 'failed' }).and.have.nested.property('error.code', 'ERR_REDSHIFT_RESPONSE')
      expect(aborted).to.have.nested.property('error.message').that.includes('The caller aborted')
    })

    it('that are single-use are no longer requested when their caller aborts', async () => {
      let aborted = 0
      const token = ({ signal }: { signal: AbortSignal }) =>
        new Promise<string>(() => signal.addEventListener('abort', () => void aborted++))
      const redshift = providing({ tokenType: 'EXT_JWT', token })
      const controller = new AbortController()
      const waiting = redshift.getToken(undefined, { signal: controller.signal })
      controller.abort(new Error('gone'))
      expect((await rejection(waiting)).message).to.equal('gone')
      expect(aborted).to.equal(1)
      const { signal } = new AbortController()
      await providing({ tokenType: 'EXT_JWT' }).getToken(undefined, { signal })
      expect(getEventListeners(signal, 'abort')).to.deep.equal([])
    })
  })

  it('log in as docs/getting-started.md shows', async () => {
    const page = readFileSync(new URL('../docs/getting-started.md', import.meta.url), 'utf8')
    const [, section = ''] = page.split('## As the signed-in person')
    const [block] = codeBlocks(section, 'ts')
    const folder = fileURLToPath(new URL('../.cache/tokens', import.meta.url))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'person.ts'), block?.code ?? '')
    const { code, stdout, stderr } = await runExample('.cache/tokens/person.ts', emulator)
    rmSync(folder, { recursive: true })
    expect(stderr).to.equal('')
    expect(stdout).to.equal("[ { current_user: 'awsidc:alice@example.com' } ]\n")
    expect(code).to.equal(0)
  })

  it('are refreshed before their expiry, and no connection waits for that', async () => {
    // A busy machine must open two connections while a stale token is still valid, which it is for a third of its lifetime.
    const short = await startEmulator({ lifetimeSeconds: 16 })
    const redshift = new RedshiftCredentials({ api: API, aws: short.aws })
    const { host } = short.poolConfig()
    const connect = () => userOfPool(new RedshiftPool({ ...short.poolConfig(), redshift }))
    for (let rotation = 1; rotation <= 2; rotation++) {
      await connect()
      const refresh = short.fail({ kind: 'hold' })
      await until('the token is stale', () => redshift.status()[0]?.phase === 'stale')
      await connect()
      await refresh.reached()
      // The refresh is pending, and its response is held back: this connection must open all the same.
      await connect()
      expect(short.calls).to.have.length(1 + rotation)
      const before = await redshift.getToken({ host })
      refresh.clear()
      await until('there is another', async () => (await redshift.getToken({ host })) !== before)
    }
    await connect()
    expect(new Set(short.logins.map(({ serial }) => serial)).size).to.equal(3)
    expect(short.logins.filter(({ ok }) => !ok)).to.deep.equal([])
    await redshift.close()
    await short.close()
  })

  it('need a host if AWS is not called', async () => {
    const { host: _, ...connection } = config()
    const pool = new RedshiftPool({ ...connection, redshift: providing({}) })
    const error = await rejection(userOfPool(pool))
    expectError(error, { code: 'ERR_REDSHIFT_TARGET', names: ['identityProvider', 'host', 'PGHOST'] })
  })
})
