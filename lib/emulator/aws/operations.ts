import type { IssuedLogin, IssuedLogins, LoginTerms } from '../logins.js'
import type { Settings } from '../settings.js'
import { defaultAccount } from '../targets.js'
import type { IssuedToken, IssuedTokens } from '../tokens.js'
import { callerOf } from './caller.js'
import { describeClusters, describeCustomDomains, describeWorkgroup } from './descriptions.js'
import { AwsError } from './errors.js'
import { findTarget, notFound, type OperationCall } from './operation-call.js'
import type { Fields } from './wire.js'

/** A fault that repeats the last expiry, with a new password or with the old one. */
export interface SameExpiry {
  readonly samePassword?: boolean
}

/** What faults change in what an operation says. */
export interface OperationFaults {
  readonly repeat: SameExpiry | undefined
  /** The cluster or workgroup is being created. */
  readonly isCreating: boolean
}

/** What the emulated AWS does, apart from how it is said on the wire. */
export class Operations {
  readonly #settings: Settings
  readonly #issued: IssuedLogins
  readonly #gatewayPort: () => number
  readonly #tokens: IssuedTokens
  readonly #lastTokens = new Map<string, { issued: IssuedToken; expiration: Date }>()
  readonly #last = new Map<string, { login: IssuedLogin; expiration: Date; issuedAt: number }>()

  constructor(settings: Settings, issued: IssuedLogins, tokens: IssuedTokens, gatewayPort: () => number) {
    this.#settings = settings
    this.#tokens = tokens
    this.#issued = issued
    this.#gatewayPort = gatewayPort
  }

  perform(call: OperationCall, { repeat, isCreating }: OperationFaults): Fields {
    switch (call.operation) {
      case 'GetClusterCredentials':
        return this.#clusterCredentials(call, repeat)
      case 'GetClusterCredentialsWithIAM':
        return this.#clusterCredentialsWithIam(call, repeat)
      case 'GetCredentials':
        return this.#credentials(call, repeat)
      case 'GetIdentityCenterAuthToken':
        return this.#token(call, repeat)
      case 'DescribeClusters':
        return describeClusters(call, this.#settings, this.#gatewayPort(), isCreating)
      case 'DescribeCustomDomainAssociations':
        return describeCustomDomains(call, this.#settings)
      case 'GetWorkgroup':
        return describeWorkgroup(call, this.#gatewayPort(), isCreating)
      case 'GetCallerIdentity':
        return callerIdentity(call)
    }
  }

  #clusterCredentials(call: OperationCall, repeat: SameExpiry | undefined): Fields {
    const { parameters } = call
    parameters.required('DbUser')
    const name = parameters.name('DbUser') ?? ''
    const groups = parameters.groups()
    const autoCreate = parameters.flag('AutoCreate')
    const prefix = autoCreate || groups.length > 0 ? 'IAMA' : 'IAM'
    const user = [prefix, name, ...(groups.length > 0 ? [groups.join(',')] : [])].join(':')
    const { login, expiration } = this.#issue(call, {
      database: 'DbName',
      user,
      databaseUser: { name, autoCreate, groups },
      repeat,
    })
    return { DbUser: login.user, DbPassword: login.password, Expiration: expiration }
  }

  #clusterCredentialsWithIam(call: OperationCall, repeat: SameExpiry | undefined): Fields {
    const { login, expiration } = this.#issue(call, {
      database: 'DbName',
      user: call.identity,
      databaseUser: undefined,
      repeat,
    })
    const refresh = this.#nextRefresh(call, expiration)
    const fields = { DbUser: login.user, DbPassword: login.password, Expiration: expiration }
    return refresh ? { ...fields, NextRefreshTime: refresh } : fields
  }

  #credentials(call: OperationCall, repeat: SameExpiry | undefined): Fields {
    const { login, expiration } = this.#issue(call, {
      database: 'dbName',
      user: call.identity,
      databaseUser: undefined,
      repeat,
    })
    const refresh = this.#nextRefresh(call, expiration)
    const fields = { dbUser: login.user, dbPassword: login.password, expiration }
    return refresh ? { ...fields, nextRefreshTime: refresh } : fields
  }

  #token(call: OperationCall, repeat: SameExpiry | undefined): Fields {
    const { parameters, person, serverless, now } = call
    const targets = parameters.targets(serverless ? 'workgroupNames' : 'ClusterIds')
    if (!targets) throw notFound(call)
    if (person === null)
      throw new AwsError('unsupported', 'This operation requires credentials with an identity context.')
    const lifetimeMillis = Math.min(this.#settings.lifetimeSeconds, 3600) * 1000
    const terms = { person, provider: 'AwsIdc', tokenType: 'SUBJECT_TOKEN', targets } as const
    const key = JSON.stringify([person, targets.map(({ kind, name }) => [kind, name])])
    const last = repeat && this.#lastTokens.get(key)
    const answer = last
      ? { ...last, issued: repeat.samePassword ? last.issued : this.#tokens.issue(terms, last.issued.expiresAt) }
      : { issued: this.#tokens.issue(terms, Date.now() + lifetimeMillis), expiration: new Date(now + lifetimeMillis) }
    this.#lastTokens.set(key, answer)
    const { token } = answer.issued
    return serverless
      ? { token, expirationTime: answer.expiration }
      : { Token: token, ExpirationTime: answer.expiration }
  }

  #issue(call: OperationCall, wish: LoginWish): { login: IssuedLogin; expiration: Date } {
    const { parameters, now, operation } = call
    const { user, databaseUser, repeat } = wish
    const database = parameters.name(wish.database)
    const duration = parameters.durationSeconds(operation === 'GetCredentials' ? 'durationSeconds' : 'DurationSeconds')
    const target = findTarget(call)
    const lifetimeSeconds = Math.min(this.#settings.lifetimeSeconds, duration)
    const terms = { user, target, database, lifetimeSeconds, databaseUser }
    const key = JSON.stringify([operation, target.kind, target.name, database, user])
    const last = this.#last.get(key)
    if (last && !repeat && this.#isRepeated(last, lifetimeSeconds)) return last
    const answer =
      last && repeat
        ? { ...last, login: repeat.samePassword ? last.login : this.#issued.issue(terms, last.login.expiresAt) }
        : {
            login: this.#issued.issue(terms),
            expiration: new Date(now + lifetimeSeconds * 1000),
            issuedAt: Date.now(),
          }
    this.#last.set(key, answer)
    return answer
  }

  #isRepeated({ login, issuedAt }: { login: IssuedLogin; issuedAt: number }, lifetimeSeconds: number): boolean {
    const now = Date.now()
    if (login.revoked || login.lifetimeSeconds !== lifetimeSeconds || now >= login.expiresAt) return false
    return now < issuedAt + this.#settings.samePasswordSeconds * 1000
  }

  #nextRefresh({ now }: OperationCall, expiration: Date): Date | undefined {
    const { nextRefreshSeconds } = this.#settings
    if (nextRefreshSeconds === null) return undefined
    return nextRefreshSeconds === undefined ? expiration : new Date(now + nextRefreshSeconds * 1000)
  }
}

function callerIdentity({ identity }: OperationCall): Fields {
  const { arn, userId } = callerOf(identity)
  return { Arn: arn, UserId: userId, Account: defaultAccount }
}

interface LoginWish {
  /** The name of the parameter that names the database. */
  readonly database: 'DbName' | 'dbName'
  readonly user: string
  readonly databaseUser: LoginTerms['databaseUser']
  readonly repeat: SameExpiry | undefined
}
