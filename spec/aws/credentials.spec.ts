import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { generate } from 'selfsigned'
import { CREDENTIAL_FAILURES } from '../../lib/aws/credentials/all-failures.js'
import type { CredentialFailure } from '../../lib/aws/credentials/failure.js'
import { readProfiles } from '../../lib/aws/credentials/profiles.js'
import { sourcesOf } from '../../lib/aws/credentials/sources.js'
import { messageWithFlags } from '../../lib/cli/terminal/wording.js'
import { RedshiftCredentials } from '../../lib/index.js'
import { ended, useCli } from '../support/cli.js'
import { type CredentialCase, credentialCases, transportCases } from '../support/credential-cases.js'
import { CredentialServer, roleSession, stsError } from '../support/credential-server.js'
import { disclosures } from '../support/disclosure.js'
import { startEndpoint } from '../support/endpoint.js'
import { expectError, rejection } from '../support/rejection.js'
import { until } from '../support/until.js'

const host = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const REPORTER = { accessKeyId: 'AKIAREPORTEREXAMPLE1', secretAccessKey: 'reporter/secret' }
const LOADER = { accessKeyId: 'AKIALOADEREXAMPLE001', secretAccessKey: 'loader/secret' }
const SECRETS = ['hunter2', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'AKIAIOSFODNN7EXAMPLE']

describe('AWS credentials that cannot be loaded', () => {
  const cli = useCli({
    identities: { [REPORTER.accessKeyId]: 'IAMR:reporter', [LOADER.accessKeyId]: 'IAMR:loader' },
  })
  let server: CredentialServer
  let cases: readonly CredentialCase[]
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-aws-'))
  const environment = { ...process.env }
  before(async () => {
    server = await CredentialServer.open()
    cases = credentialCases(server)
  })
  after(async () => {
    setEnvironment(environment)
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** In place: Node passes changes of `process.env` on to the system, which determines HOME. */
  function setEnvironment(env: Readonly<Record<string, string | undefined>>): void {
    for (const name of Object.keys(process.env)) if (/^(AWS_|HOME$)/.test(name)) delete process.env[name]
    Object.assign(process.env, env)
  }

  let homes = 0
  /** The variables of a user who has these files. */
  function livingWith({ env = {}, config, files = {} }: CredentialCase): Record<string, string> {
    const home = join(folder, String(++homes))
    const all = { '.aws/config': config ?? '', ...files }
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(dirname(join(home, name)), { recursive: true })
      writeFileSync(join(home, name), content)
    }
    const filled = Object.entries(env).map(([name, value]) => [name, value.replace('{home}', home)])
    return { AWS_EC2_METADATA_DISABLED: 'true', HOME: home, ...Object.fromEntries(filled) }
  }

  async function inProgram(env: Readonly<Record<string, string>>): Promise<Error> {
    setEnvironment(env)
    await using credentials = new RedshiftCredentials({ host, database: 'dev' })
    return await rejection(credentials.get())
  }

  /** The remedies in a row for the sources in the current environment. */
  async function remediesOf(row: CredentialFailure | undefined): Promise<(string | undefined)[]> {
    const sources = sourcesOf(undefined, process.env, await readProfiles())
    return sources.map(source => row && `${row.remedy(source)}.`)
  }

  async function inCheck(
    env: Readonly<Record<string, string>>,
  ): Promise<{ code: string; message: string; all: string }> {
    const without = Object.keys(cli.env).filter(name => name.startsWith('AWS_'))
    const unset = Object.fromEntries(without.map(name => [name, undefined]))
    const { stdout, stderr } = await ended(cli.start(['check', '--json', '--host', host], { ...unset, ...env }))
    const step = JSON.parse(stdout).steps.find(({ step }: { step: string }) => step === 'credentials')
    return { ...step, all: stdout + stderr }
  }

  it('have a case for each row of the table', () => {
    const failures = CREDENTIAL_FAILURES.filter(({ sources }) => !sources.every(kind => kind === 'own'))
    expect([...new Set(cases.map(({ failure }) => failure))].sort()).to.deep.equal(
      failures.map(({ failure }) => failure).sort(),
    )
  })

  for (const source of new Set(CREDENTIAL_FAILURES.flatMap(({ sources }) => sources.filter(kind => kind !== 'own'))))
    it(`produce an error with the source and the remedy, in a program and in check: ${source}`, async () => {
      const rows = CREDENTIAL_FAILURES.filter(({ sources }) => sources.includes(source))
      const own = cases.filter(one => one.source === source)
      for (const one of own) {
        const env = livingWith(one)
        const checked = inCheck(env)
        const error = expectError(await inProgram(env), {
          code: 'ERR_REDSHIFT_AWS_CREDENTIALS',
          names: one.names,
          omits: ['undefined'],
        })
        const row = rows.find(({ failure }) => failure === one.failure)
        expect(await remediesOf(row), one.failure).to.include(error.remedy)
        expect(error.message, one.failure).to.match(/^[A-Z].*\. [A-Z].*\.$/)
        const { code, message, all } = await checked
        expect({ code, message }).to.deep.equal({ code: error.code, message: messageWithFlags(error) })
        expect(disclosures({ error, all }, SECRETS), one.failure).to.deep.equal([])
      }
    })

  it('are not replaced by those of the container if their profile does not exist', async () => {
    const container = server.url('container', {
      status: 200,
      body: JSON.stringify({
        AccessKeyId: LOADER.accessKeyId,
        SecretAccessKey: LOADER.secretAccessKey,
        Token: 'session',
        Expiration: '2090-01-01T00:00:00Z',
      }),
    })
    const env = livingWith({
      failure: '',
      source: '',
      names: [],
      env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: container, AWS_ENDPOINT_URL: cli.emulator.endpoint },
    })
    const checked = inCheck({ ...env, AWS_PROFILE: 'nope' })
    const missing = {
      code: 'ERR_REDSHIFT_AWS_CREDENTIALS',
      names: ['profile "nope"', '`aws configure list-profiles`'],
    } as const
    const error = expectError(await inProgram({ ...env, AWS_PROFILE: 'nope' }), missing)
    const { code, message } = await checked
    expect({ code, message }).to.deep.equal({ code: error.code, message: messageWithFlags(error) })

    setEnvironment(env)
    await using named = new RedshiftCredentials({ host, database: 'dev', aws: { profile: 'nope' } })
    for (const _ of ['first', 'second']) expectError(await rejection(named.get()), missing)
    // The SDK ignores these values.
    for (const none of [{ credentials: null }, { credentialDefaultProvider: undefined }]) {
      const aws = { profile: 'nope', ...(none as object) }
      await using without = new RedshiftCredentials({ host, database: 'dev', aws })
      expectError(await rejection(without.get()), missing)
    }
    for (const AWS_PROFILE of ['', 'default']) {
      setEnvironment({ ...env, AWS_PROFILE })
      await using credentials = new RedshiftCredentials({ host, database: 'dev' })
      expect((await credentials.get()).user).to.equal('IAMR:loader')
    }
  })

  it('produce an error with the service that did not return them, and the code of the failure', async () => {
    for (const { what, code, names, one } of transportCases(server)) {
      const env = livingWith(one)
      const checked = inCheck(env)
      const error = expectError(await inProgram(env), { code, names, omits: ['redshift:', 'hunter2'] })
      const { code: shown, message } = await checked
      expect({ code: shown, message }, what).to.deep.equal({ code, message: messageWithFlags(error) })
    }
  })

  const webIdentity = (url: string): CredentialCase => ({
    failure: '',
    source: 'web identity',
    env: {
      AWS_ROLE_ARN: 'arn:aws:iam::1:role/x',
      AWS_WEB_IDENTITY_TOKEN_FILE: '{home}/token',
      AWS_ENDPOINT_URL_STS: url,
    },
    files: { token: 'hunter2-jwt' },
    names: [],
  })

  it('produce an error with the service that hung until the deadline', async () => {
    const silent = await startEndpoint(() => new Promise(() => {}))
    try {
      setEnvironment(livingWith(webIdentity(silent.url)))
      await using credentials = new RedshiftCredentials({ host, database: 'dev', fetchTimeoutMillis: 1_000 })
      expectError(await rejection(credentials.get()), {
        code: 'ERR_REDSHIFT_TIMEOUT',
        names: ['AWS STS', new URL(silent.url).host],
      })
    } finally {
      await silent.close()
    }
  })

  it("produce an error with the option aws if the program's default provider fails or hangs", async () => {
    setEnvironment({ AWS_EC2_METADATA_DISABLED: 'false' })
    const failing = () => Promise.reject(new Error('The vault is sealed.'))
    const hanging = () => new Promise<never>(() => {})
    for (const [provider, code, ...names] of [
      [failing, 'ERR_REDSHIFT_AWS_CREDENTIALS', 'aws.credentialDefaultProvider', 'vault'],
      [hanging, 'ERR_REDSHIFT_TIMEOUT', 'option aws'],
    ] as const) {
      const aws = { credentialDefaultProvider: () => provider }
      await using credentials = new RedshiftCredentials({ host, database: 'dev', fetchTimeoutMillis: 1_000, aws })
      expectError(await rejection(credentials.get()), { code, names, omits: ['metadata'] })
    }
  })

  it('produce an error with the role and the profile that failed in a chain of roles', async () => {
    const role = (name: string) => `arn:aws:iam::123456789012:role/${name}`
    const config = (mfa = '') =>
      `[profile far]\nrole_arn = ${role('outer')}\nsource_profile = near\n${mfa}\n` +
      `[profile near]\nrole_arn = ${role('inner')}\nsource_profile = base\n` +
      `[profile base]\naws_access_key_id = ${LOADER.accessKeyId}\naws_secret_access_key = ${LOADER.secretAccessKey}`
    const denied = (name: string) =>
      stsError('AccessDenied', `User: x is not authorized to perform: sts:AssumeRole on resource: ${role(name)}`)
    const limit = 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining'
    for (const [reply, ...names] of [
      [denied('outer'), `the role ${role('outer')}`],
      [denied('inner'), `the role ${role('inner')}`],
      [stsError('ValidationError', limit, 400), `the role ${role('outer')}`, 'profile "far"'],
    ] as const) {
      const env = { AWS_PROFILE: 'far', AWS_ENDPOINT_URL_STS: server.url('chain', reply) }
      const error = await inProgram(livingWith({ failure: '', source: '', names, env, config: config() }))
      expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names })
    }
    const env = { AWS_PROFILE: 'far', AWS_ENDPOINT_URL_STS: server.url('chain', roleSession(LOADER)) }
    const mfa = config('mfa_serial = arn:aws:iam::123456789012:mfa/alice')
    const names = ['Profile "far"', '--profile far']
    const error = await inProgram(livingWith({ failure: '', source: '', names, env, config: mfa }))
    expectError(error, { code: 'ERR_REDSHIFT_AWS_CREDENTIALS', names })
  })

  describe('with keys, which are always there', () => {
    const keys = { AWS_ACCESS_KEY_ID: LOADER.accessKeyId, AWS_SECRET_ACCESS_KEY: LOADER.secretAccessKey }
    const inProfile = `[default]\naws_access_key_id = ${LOADER.accessKeyId}\naws_secret_access_key = ${LOADER.secretAccessKey}`
    const metadata = { AWS_EC2_METADATA_DISABLED: 'false' }
    const environments: [where: string, given: CredentialCase][] = [
      ['the environment', { failure: '', source: '', names: [], env: { ...keys, ...metadata } }],
      ['a profile', { failure: '', source: '', names: [], env: metadata, config: inProfile }],
    ]
    /** A configuration with a retry strategy, which the SDK calls before it sends the request. */
    const retrying = (acquireInitialRetryToken: () => Promise<never>) => ({
      region: 'us-west-2',
      retryStrategy: { acquireInitialRetryToken, refreshRetryTokenForRetry() {}, recordSuccess() {} },
    })
    const never = () => new Promise<never>(() => {})
    const target = { clusterIdentifier: 'examplecluster', database: 'dev', fetchTimeoutMillis: 1_000 }
    const omits = ['metadata', 'AWS credentials', 'hunter2']

    for (const [where, given] of environments) {
      it(`in ${where} are not blamed if the program's code in aws throws`, async () => {
        setEnvironment(livingWith(given))
        for (const message of ['The plan is missing', 'connect ECONNREFUSED 127.0.0.1:1'])
          for (const aws of [
            { region: () => Promise.reject(new Error(`${message}: https://alice:hunter2@example.com`)) },
            retrying(() => Promise.reject(new Error(message))),
          ]) {
            await using credentials = new RedshiftCredentials({ ...target, aws: aws as object })
            const error = await rejection(credentials.get())
            expectError(error, { code: 'ERR_REDSHIFT_UNAVAILABLE', names: ['cluster "examplecluster"', 'aws'], omits })
            expect(error.cause).to.be.instanceOf(Error)
          }
      })

      it(`in ${where} are not blamed if the program's code in aws hangs`, async () => {
        setEnvironment(livingWith(given))
        for (const aws of [{ region: never }, retrying(never)]) {
          await using credentials = new RedshiftCredentials({ ...target, aws: aws as object })
          expectError(await rejection(credentials.get()), { code: 'ERR_REDSHIFT_TIMEOUT', omits: ['hop limit'] })
        }
      })
    }
  })

  it('produce an error with the certificate variables that Node.js reads, if a certificate is not trusted', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'proxy' }])
    const proxy = createServer({ key, cert }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      const { port } = proxy.address() as AddressInfo
      const error = await inProgram(livingWith(webIdentity(`https://127.0.0.1:${port}`)))
      expectError(error, {
        code: 'ERR_REDSHIFT_UNAVAILABLE',
        names: ['AWS STS', 'NODE_EXTRA_CA_CERTS', 'AWS_CA_BUNDLE'],
      })
    } finally {
      proxy.close()
    }
  })

  describe('after their files have changed', () => {
    const keys = (profile: string, { accessKeyId, secretAccessKey }: typeof REPORTER): string =>
      `[${profile}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    const file = join(folder, 'credentials')
    const create = (profile: string): RedshiftCredentials =>
      new RedshiftCredentials({ host, database: 'dev', aws: { profile, endpoint: cli.emulator.endpoint } })
    before(() => {
      // Write it first. The SDK caches a missing file as well, and a call of an earlier spec may still read the files.
      writeFileSync(file, keys('work', REPORTER))
      setEnvironment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_EC2_METADATA_DISABLED: 'true' })
    })

    it('are read again, within the same call if the session has expired', async () => {
      await using first = create('work')
      expect((await first.get()).user).to.equal('IAMR:reporter')
      writeFileSync(file, keys('work', LOADER))
      cli.emulator.fail({ kind: 'expired-token' }, { times: 1 })
      await using second = create('work')
      expect((await second.get()).user).to.equal('IAMR:loader')
    })

    it('are found in the next call, in a profile that did not exist before', async () => {
      writeFileSync(file, '')
      await using credentials = create('later')
      expect(await rejection(credentials.get())).to.have.property('code', 'ERR_REDSHIFT_AWS_CREDENTIALS')
      writeFileSync(file, keys('later', LOADER))
      let user: string | undefined
      await until('the new profile is read', async () => {
        user = await credentials.get().then(
          login => login.user,
          () => undefined,
        )
        return user !== undefined
      })
      expect(user).to.equal('IAMR:loader')
    })
  })
})
