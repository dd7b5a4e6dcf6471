import { ActiveFaults } from './active-faults.js'
import { AwsEndpoint } from './aws/endpoint.js'
import { requestHandler } from './aws/handler.js'
import { Operations } from './aws/operations.js'
import { awsCredentials, environmentFor } from './environment.js'
import type { ActiveFault, Fault, FaultScope } from './faults.js'
import { admit } from './gateway/admission.js'
import type { Certificate } from './gateway/certificate.js'
import { Gateway } from './gateway/gateway.js'
import { gatewayStream } from './gateway/gateway-stream.js'
import { IssuedLogins } from './logins.js'
import { createDatabases } from './postgres/databases.js'
import { Roles } from './postgres/roles.js'
import type { Server } from './postgres/server.js'
import { runSetupSql } from './postgres/setup-sql.js'
import type { EmulatedCall, EmulatedLogin } from './records.js'
import type { EmulatedTokenOptions, EmulatorPoolConfig, EmulatorStream, RedshiftEmulator } from './redshift-emulator.js'
import type { Settings } from './settings.js'
import { IssuedTokens } from './tokens.js'

export class Emulator implements RedshiftEmulator {
  readonly ca: string
  readonly calls: EmulatedCall[] = []
  readonly logins: EmulatedLogin[] = []
  identity: string
  person: string | null
  readonly #settings: Settings
  readonly #server: Server
  readonly #roles: Roles
  readonly #faults = new ActiveFaults()
  readonly #issuedLogins: IssuedLogins
  readonly #issuedTokens = new IssuedTokens()
  readonly #gateway: Gateway
  readonly #endpoint: AwsEndpoint
  #closed: Promise<void> | undefined

  constructor(settings: Settings, server: Server, certificate: Certificate) {
    this.ca = certificate.ca
    this.identity = settings.identity
    this.person = settings.person
    this.#settings = settings
    this.#server = server
    this.#roles = new Roles(server)
    this.#issuedLogins = new IssuedLogins(settings)
    const shared = {
      settings,
      faults: this.#faults,
      calls: this.calls,
      logins: this.logins,
      issuedLogins: this.#issuedLogins,
      issuedTokens: this.#issuedTokens,
    }
    const { context } = certificate
    this.#gateway = new Gateway(settings, (socket, waitUntimed) =>
      admit(socket, { ...shared, server, roles: this.#roles, context, waitUntimed }),
    )
    const operations = new Operations(settings, this.#issuedLogins, this.#issuedTokens, () => this.#gateway.port)
    const identity = (accessKeyId = '') => settings.identities[accessKeyId] ?? this.identity
    const person = (accessKeyId = '') => {
      const own = settings.people[accessKeyId]
      return own === undefined ? this.person : own
    }
    this.#endpoint = new AwsEndpoint(settings, requestHandler({ ...shared, operations, identity, person }))
  }

  async start(): Promise<void> {
    await Promise.all([
      this.#gateway.listen(),
      this.#endpoint.listen(),
      createDatabases(this.#server, this.#settings.databases, { systemViews: this.#settings.redshiftDialect }),
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
    const [target] = this.#settings.targets.all
    const [database = ''] = this.#settings.databases
    const { endpoint } = this
    return environmentFor({ endpoint, region: target?.region ?? '', port: this.#gateway.port, database }, caFile)
  }

  fail(fault: Fault, scope: FaultScope = {}): ActiveFault {
    return this.#faults.add(fault, scope, this.#settings.targets.all)
  }

  issueToken(options: EmulatedTokenOptions = {}): { token: string; expiration: Date } {
    const {
      person = this.person ?? 'alice@example.com',
      type: provider = 'AwsIdc',
      tokenType = 'ACCESS_TOKEN',
      lifetimeSeconds = 3600,
    } = options
    const terms = { person, provider, tokenType: provider === 'AwsIdc' ? tokenType : undefined, targets: undefined }
    const { token, expiresAt } = this.#issuedTokens.issue(terms, Date.now() + lifetimeSeconds * 1000)
    return { token, expiration: new Date(expiresAt) }
  }

  revokeLogins(): void {
    this.#issuedLogins.revokeAll()
    this.#issuedTokens.revokeAll()
  }

  async restart({ downMillis = 0 }: { downMillis?: number | undefined } = {}): Promise<void> {
    await this.#gateway.restart(downMillis)
  }

  async query(sql: string, database = this.#settings.databases[0] ?? ''): Promise<Record<string, unknown>[]> {
    const { users } = this.#settings
    const identities = [this.identity, ...Object.values(this.#settings.identities)]
    return runSetupSql(this.#server, this.#roles, { sql, database, users, identities })
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
