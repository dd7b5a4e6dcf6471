import { AwsEndpoint } from './aws/endpoint.js'
import { makeExchange } from './aws/exchange.js'
import { Operations } from './aws/operations.js'
import { Faults } from './faults.js'
import { admit } from './gateway/admission.js'
import { type Certificate, certificateFor } from './gateway/certificate.js'
import { Gateway } from './gateway/gateway.js'
import { gatewayStream } from './gateway/stream.js'
import { IssuedLogins } from './logins.js'
import { Catalog } from './postgres/catalog.js'
import { runningServer, type Server } from './postgres/server.js'
import { runSetUp } from './postgres/set-up.js'
import { startServer } from './postgres/start-server.js'
import { readOptions, type Settings } from './settings.js'
import { IssuedTokens } from './tokens.js'
import type {
  ActiveFault,
  EmulatedCall,
  EmulatedLogin,
  EmulatedTokenOptions,
  EmulatorOptions,
  EmulatorPoolConfig,
  EmulatorStream,
  Fault,
  FaultScope,
  RedshiftEmulator,
} from './types.js'

/** Not AWS's: made up, and the same in every emulator, so that a spec can look for them where no secret may be. */
const awsCredentials = {
  accessKeyId: 'AKIAEMULATOREXAMPLE1',
  secretAccessKey: 'emulator/secret+access/key+EXAMPLE/only12',
  sessionToken: 'EmulatorSessionToken//////////EXAMPLE+not+a+real+token+of+anybody+0123456789==',
}

/**
 * Starts a local Redshift: a PostgreSQL server behind a gateway that takes only the logins which its own emulated AWS handed out.
 * It keeps no process alive by itself, and leaves nothing behind when the process ends in whatever way.
 *
 * @example
 * const emulator = await startRedshiftEmulator({ lifetimeSeconds: 12 })
 * const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws: emulator.aws } })
 */
export async function startRedshiftEmulator(options: EmulatorOptions = {}): Promise<RedshiftEmulator> {
  const settings = readOptions(options)
  const [server, certificate] = await Promise.allSettled([
    settings.postgres === undefined ? startServer() : runningServer(settings.postgres),
    certificateFor(settings.targets.all.flatMap(({ hosts }) => hosts)),
  ])
  if (server.status === 'rejected') throw server.reason
  if (certificate.status === 'rejected') {
    await server.value.close()
    throw certificate.reason
  }
  const emulator = new Emulator(settings, server.value, certificate.value)
  try {
    await emulator.start()
  } catch (error) {
    await emulator.close()
    throw error
  }
  return emulator
}

class Emulator implements RedshiftEmulator {
  readonly ca: string
  readonly calls: EmulatedCall[] = []
  readonly logins: EmulatedLogin[] = []
  identity: string
  person: string | null
  readonly #settings: Settings
  readonly #server: Server
  readonly #catalog: Catalog
  readonly #faults = new Faults()
  readonly #issued: IssuedLogins
  readonly #tokens = new IssuedTokens()
  readonly #gateway: Gateway
  readonly #endpoint: AwsEndpoint
  #closed: Promise<void> | undefined

  constructor(settings: Settings, server: Server, certificate: Certificate) {
    this.ca = certificate.ca
    this.identity = settings.identity
    this.person = settings.person
    this.#settings = settings
    this.#server = server
    this.#catalog = new Catalog(server)
    this.#issued = new IssuedLogins(settings)
    const shared = {
      settings,
      faults: this.#faults,
      calls: this.calls,
      logins: this.logins,
      issued: this.#issued,
      tokens: this.#tokens,
    }
    const { context } = certificate
    this.#gateway = new Gateway(settings, socket =>
      admit(socket, { ...shared, server, catalog: this.#catalog, context }),
    )
    const operations = new Operations(settings, this.#issued, this.#tokens, () => this.#gateway.port)
    const identity = (accessKeyId = '') => settings.identities[accessKeyId] ?? this.identity
    const person = (accessKeyId = '') =>
      Object.hasOwn(settings.people, accessKeyId) ? (settings.people[accessKeyId] ?? null) : this.person
    this.#endpoint = new AwsEndpoint(settings, makeExchange({ ...shared, operations, identity, person }))
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#gateway.listen(),
      this.#endpoint.listen(),
      this.#catalog.createDatabases(this.#settings.databases, { systemViews: this.#settings.redshiftDialect }),
    ])
  }

  get address(): RedshiftEmulator['address'] {
    return { host: '127.0.0.1', port: this.#gateway.port }
  }

  get endpoint(): string {
    return this.#endpoint.url
  }

  get aws(): RedshiftEmulator['aws'] {
    return { endpoint: this.endpoint, credentials: { ...awsCredentials } }
  }

  get stream(): EmulatorStream {
    return gatewayStream(this.#gateway.port)
  }

  get connections(): number {
    return this.#gateway.connections
  }

  poolConfig(target = 'provisioned'): EmulatorPoolConfig {
    const [database = ''] = this.#settings.databases
    return { host: this.#host(target), port: this.#gateway.port, database, ssl: { ca: this.ca }, stream: this.stream }
  }

  environment(caFile: string): Record<string, string> {
    const { accessKeyId, secretAccessKey, sessionToken } = awsCredentials
    const [target] = this.#settings.targets.all
    const region = target?.region ?? ''
    return {
      AWS_ENDPOINT_URL_REDSHIFT: this.endpoint,
      AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: this.endpoint,
      AWS_ENDPOINT_URL_STS: this.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      // boto3 reads only the second one.
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      NODE_EXTRA_CA_CERTS: caFile,
      // A name: libpq before 15 verifies no certificate for an IP address.
      PGHOST: 'localhost',
      PGPORT: String(this.#gateway.port),
      PGDATABASE: this.#settings.databases[0] ?? '',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: caFile,
    }
  }

  fail(fault: Fault, scope: FaultScope = {}): ActiveFault {
    return this.#faults.add(fault, scope)
  }

  issueToken(options: EmulatedTokenOptions = {}): { token: string; expiration: Date } {
    const { type: provider = 'AwsIdc', tokenType = 'ACCESS_TOKEN', lifetimeSeconds = 3600 } = options
    const { person = this.person ?? 'alice@example.com' } = options
    const terms = { person, provider, tokenType: provider === 'AwsIdc' ? tokenType : undefined, targets: undefined }
    const { token, expiresAt } = this.#tokens.issue(terms, Date.now() + lifetimeSeconds * 1000)
    return { token, expiration: new Date(expiresAt) }
  }

  revokeLogins(): void {
    this.#issued.revokeAll()
    this.#tokens.revokeAll()
  }

  async restart({ downMillis = 0 }: { downMillis?: number } = {}): Promise<void> {
    await this.#gateway.restart(downMillis)
  }

  async query(sql: string, database = this.#settings.databases[0] ?? ''): Promise<Record<string, unknown>[]> {
    const { users, identities } = this.#settings
    const { identity } = this
    return runSetUp(this.#server, this.#catalog, {
      sql,
      database,
      users,
      identities: [identity, ...Object.values(identities)],
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await Promise.all([this.#gateway.close(), this.#endpoint.close()])
    this.#faults.clear()
    await this.#server.close()
  }

  #host(target: string): string {
    if (target !== 'provisioned' && target !== 'serverless') return target
    const [host] = this.#settings.targets.all.find(({ kind }) => kind === target)?.hosts ?? []
    if (host === undefined) throw new TypeError(`The emulator has no ${target} host. Add one to the option hosts.`)
    return host
  }
}
