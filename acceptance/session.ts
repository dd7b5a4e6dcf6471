import { setTimeout as sleep } from 'node:timers/promises'
import * as redshift from '@aws-sdk/client-redshift'
import * as serverless from '@aws-sdk/client-redshift-serverless'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { NotAsked } from './question.js'
import type { Target } from './target.js'
import { type Attempt, attemptLogin, type Handshake } from './wire.js'

/** A login as AWS returned it, with the headers of the response. */
export interface Login {
  readonly user: string
  readonly password: string
  readonly expiration: Date
  readonly nextRefreshTime: Date | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Differences from the login for the target. */
export interface LoginParameters {
  readonly target?: string
  /** `null`: none. */
  readonly database?: string | null
  readonly dbUser?: string | undefined
  readonly dbGroups?: readonly string[]
  readonly durationSeconds?: number
  readonly customDomainName?: string
}

/** An error response of AWS. */
export interface ApiError {
  readonly code: string
  readonly status: number | undefined
  readonly message: string
}

type Client = { send(command: object): Promise<object>; destroy(): void }
type Deserializer = (args: object) => Promise<{ response: unknown }>

/** One run of the kit. It calls AWS slowly, and remembers secrets and the first login. */
export class Session {
  readonly target: Target
  /** What must not be published. */
  readonly secrets = new Set<string>()
  /** The headers of every response so far. */
  readonly headers: Readonly<Record<string, string>>[] = []
  #nextCall = Number.NEGATIVE_INFINITY
  #first: Promise<Login> | undefined

  /** The lifetime of a login. */
  get lifetimeMillis(): number {
    return this.target.lifetimeSeconds * 1_000
  }

  constructor(target: Target) {
    this.target = target
  }

  /** The login that most questions use. */
  login(): Promise<Login> {
    this.#first ??= this.fetchLogin()
    return this.#first
  }

  /** Fetches a new login: with `GetClusterCredentials` if a user is given, otherwise with the API of the target's kind. */
  async fetchLogin(parameters: LoginParameters = {}): Promise<Login> {
    const output = (await this.#call(this.#credentialsCommand(parameters))) as Record<string, unknown>
    const field = (name: string): unknown => output[name] ?? output[name.charAt(0).toLowerCase() + name.slice(1)]
    const password = String(field('DbPassword'))
    this.secrets.add(password)
    return {
      user: String(field('DbUser')),
      password,
      expiration: field('Expiration') as Date,
      nextRefreshTime: field('NextRefreshTime') as Date | undefined,
      headers: this.headers.at(-1) ?? {},
    }
  }

  /** The error of a call that should fail. */
  async errorOf(parameters: LoginParameters): Promise<ApiError> {
    try {
      await this.fetchLogin(parameters)
    } catch (error) {
      const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } }
      return { code: name, status: $metadata?.httpStatusCode, message }
    }
    return { code: '(none)', status: 200, message: 'the call succeeded' }
  }

  /** The address of the cluster or workgroup that AWS returns. */
  async describe(): Promise<{ host: unknown; port: unknown }> {
    const { kind, name } = this.target
    if (kind === 'serverless') {
      const { workgroup } = (await this.#call(
        new serverless.GetWorkgroupCommand({ workgroupName: name }),
      )) as serverless.GetWorkgroupCommandOutput
      return { host: workgroup?.endpoint?.address, port: workgroup?.endpoint?.port }
    }
    const { Clusters } = (await this.#call(
      new redshift.DescribeClustersCommand({ ClusterIdentifier: name }),
    )) as redshift.DescribeClustersCommandOutput
    return { host: Clusters?.[0]?.Endpoint?.Address, port: Clusters?.[0]?.Endpoint?.Port }
  }

  /** The ARN of the caller's AWS identity. */
  async callerArn(): Promise<string> {
    const { aws, region, stsEndpoint } = this.target
    const credentials = 'credentials' in aws && aws.credentials !== undefined && { credentials: aws.credentials }
    const client = new STSClient({
      region,
      ...credentials,
      ...(stsEndpoint !== undefined && { endpoint: stsEndpoint }),
    })
    try {
      return (
        (await client.send(new GetCallerIdentityCommand({}), { abortSignal: AbortSignal.timeout(60_000) })).Arn ?? ''
      )
    } finally {
      client.destroy()
    }
  }

  /** Logs in to the server. Default: with the shared login. */
  async logIn(attempt: Partial<Attempt> = {}): Promise<Handshake> {
    const { user, password } = attempt.user !== undefined && attempt.password !== undefined ? {} : await this.login()
    return attemptLogin(this.target, {
      user: user ?? '',
      password: password ?? '',
      database: this.target.database,
      ...attempt,
    })
  }

  #credentialsCommand(parameters: LoginParameters): object {
    const { kind, name, database, dbUser } = this.target
    const target = parameters.target ?? name
    const user = 'dbUser' in parameters ? parameters.dbUser : dbUser
    const db = parameters.database === null ? undefined : (parameters.database ?? database)
    const { durationSeconds, customDomainName, dbGroups } = parameters
    if (kind === 'serverless' && user === undefined)
      return new serverless.GetCredentialsCommand({
        ...(customDomainName === undefined ? { workgroupName: target } : { customDomainName }),
        dbName: db,
        durationSeconds,
      })
    const ClusterIdentifier = kind === 'serverless' ? `redshift-serverless-${target}` : target
    const input = {
      ...(customDomainName === undefined ? { ClusterIdentifier } : { CustomDomainName: customDomainName }),
      DbName: db,
      DurationSeconds: durationSeconds,
    }
    return user === undefined
      ? new redshift.GetClusterCredentialsWithIAMCommand(input)
      : new redshift.GetClusterCredentialsCommand({
          ...input,
          DbUser: user,
          ...(dbGroups && { DbGroups: [...dbGroups] }),
        })
  }

  /** Waits until AWS may be called again. */
  async pace(): Promise<void> {
    const free = Math.max(performance.now(), this.#nextCall)
    this.#nextCall = free + this.target.paceMillis
    await sleep(Math.max(0, free - performance.now()))
  }

  async #call(command: object): Promise<object> {
    await this.pace()
    const { aws, region } = this.target
    if ('send' in aws) throw new NotAsked('the kit makes its own clients')
    const config = { ...aws, region, maxAttempts: 1 } as redshift.RedshiftClientConfig
    const isServerless =
      command.constructor === serverless.GetCredentialsCommand || command.constructor === serverless.GetWorkgroupCommand
    const client = (isServerless
      ? new serverless.RedshiftServerlessClient(config as serverless.RedshiftServerlessClientConfig)
      : new redshift.RedshiftClient(config)) as unknown as Client & redshift.RedshiftClient
    const note = (next: Deserializer) => async (args: object) => {
      const result = await next(args)
      this.headers.push((result.response as { headers?: Record<string, string> }).headers ?? {})
      return result
    }
    client.middlewareStack.add(note as never, { step: 'deserialize', priority: 'low' })
    try {
      const { accessKeyId, secretAccessKey, sessionToken } = await client.config.credentials()
      for (const secret of [accessKeyId, secretAccessKey, sessionToken]) if (secret) this.secrets.add(secret)
      return await client.send(command as never, { abortSignal: AbortSignal.timeout(60_000) } as never)
    } finally {
      client.destroy()
    }
  }
}
