import { AwsError } from './aws-errors.js'
import { callerArn } from './caller.js'
import type { IssuedLogin, IssuedLogins, LoginTerms } from './logins.js'
import type { Parameters } from './parameters.js'
import type { Settings } from './settings.js'
import { defaultAccount, type Target } from './targets.js'
import type { EmulatedOperation } from './types.js'
import type { Fields } from './wire.js'

/** One request, as far as an operation needs to know it. */
export interface OperationCall {
  readonly operation: EmulatedOperation
  readonly parameters: Parameters
  /** The database user that AWS chooses for the caller. */
  readonly identity: string
  readonly region: string | undefined
  /** AWS's time, which may be skewed. */
  readonly now: number
}

/** A fault that repeats the last expiry, with a new password or with the old one. */
export interface SameExpiry {
  readonly samePassword?: boolean
}

/** What the emulated AWS does, apart from how it is said on the wire. */
export class Operations {
  readonly #settings: Settings
  readonly #issued: IssuedLogins
  readonly #gatewayPort: () => number
  readonly #last = new Map<string, { login: IssuedLogin; expiration: Date }>()

  constructor(settings: Settings, issued: IssuedLogins, gatewayPort: () => number) {
    this.#settings = settings
    this.#issued = issued
    this.#gatewayPort = gatewayPort
  }

  perform(call: OperationCall, repeat: SameExpiry | undefined): Fields {
    switch (call.operation) {
      case 'GetClusterCredentials':
        return this.#clusterCredentials(call, repeat)
      case 'GetClusterCredentialsWithIAM':
        return this.#clusterCredentialsWithIam(call, repeat)
      case 'GetCredentials':
        return this.#credentials(call, repeat)
      case 'DescribeClusters':
        return this.#describeClusters(call)
      case 'GetWorkgroup':
        return this.#workgroup(call)
      case 'GetCallerIdentity':
        return { Arn: callerArn(call.identity), UserId: 'AIDAEXAMPLE', Account: defaultAccount }
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
      databaseUser: { name, autoCreate },
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

  #issue(call: OperationCall, wish: LoginWish): { login: IssuedLogin; expiration: Date } {
    const { parameters, now, operation } = call
    const { user, databaseUser, repeat } = wish
    const database = parameters.name(wish.database)
    const duration = parameters.durationSeconds(operation === 'GetCredentials' ? 'durationSeconds' : 'DurationSeconds')
    const target = found(call)
    const lifetimeSeconds = Math.min(this.#settings.lifetimeSeconds, duration)
    const terms = { user, target, database, lifetimeSeconds, databaseUser }
    const key = JSON.stringify([operation, target.kind, target.name, database, user])
    const last = repeat && this.#last.get(key)
    const answer = last
      ? { ...last, login: repeat.samePassword ? last.login : this.#issued.issue(terms, last.login.expiresAt) }
      : { login: this.#issued.issue(terms), expiration: new Date(now + lifetimeSeconds * 1000) }
    this.#last.set(key, answer)
    return answer
  }

  #nextRefresh({ now }: OperationCall, expiration: Date): Date | undefined {
    const { nextRefreshSeconds } = this.#settings
    if (nextRefreshSeconds === null) return undefined
    return nextRefreshSeconds === undefined ? expiration : new Date(now + nextRefreshSeconds * 1000)
  }

  #describeClusters(call: OperationCall): Fields {
    const wanted = call.parameters.text('ClusterIdentifier')
    const clusters = this.#settings.targets.all.filter(({ kind, name, region }) => {
      return kind === 'provisioned' && region === call.region && (wanted ?? name) === name
    })
    if (wanted !== undefined && clusters.length === 0) throw notFound(call)
    return { Clusters: { Cluster: clusters.map(cluster => this.#describeCluster(cluster)) } }
  }

  #describeCluster({ name, hosts, customDomains }: Target): Fields {
    const [customDomain] = customDomains
    return {
      ClusterIdentifier: name,
      NodeType: 'ra3.large',
      ClusterStatus: 'available',
      ClusterAvailabilityStatus: 'Available',
      MasterUsername: 'awsuser',
      DBName: this.#settings.databases[0],
      Endpoint: { Address: hosts[0], Port: this.#gatewayPort() },
      NumberOfNodes: 1,
      ...(customDomain !== undefined && { CustomDomainName: customDomain }),
    }
  }

  #workgroup(call: OperationCall): Fields {
    call.parameters.required('workgroupName')
    const { name, region, account, hosts, customDomains } = found(call)
    const [customDomain] = customDomains
    const port = this.#gatewayPort()
    const arn = `arn:aws:redshift-serverless:${region}:${account}:workgroup/${name}`
    return {
      workgroup: {
        workgroupName: name,
        workgroupArn: arn,
        namespaceName: 'default',
        status: 'AVAILABLE',
        port,
        endpoint: { address: hosts[0], port },
        ...(customDomain !== undefined && { customDomainName: customDomain }),
      },
    }
  }
}

interface LoginWish {
  /** The name of the parameter that names the database. */
  readonly database: 'DbName' | 'dbName'
  readonly user: string
  readonly databaseUser: LoginTerms['databaseUser']
  readonly repeat: SameExpiry | undefined
}

function found(call: OperationCall): Target {
  const target = call.parameters.target()
  if (!target) throw call.parameters.namesTarget() ? notFound(call) : unnamed(call)
  return target
}

/** AWS's answer where the cluster or workgroup does not exist, or lies in another region. */
export function notFound({ operation, parameters }: Pick<OperationCall, 'operation' | 'parameters'>): AwsError {
  const name = parameters.targetName()
  return isServerless(operation)
    ? new AwsError('notFound', `Workgroup ${name} not found.`)
    : new AwsError('notFound', `Cluster ${name} not found.`)
}

function unnamed({ operation }: OperationCall): AwsError {
  const name = isServerless(operation) ? 'workgroupName' : 'ClusterIdentifier'
  return new AwsError('validation', `Either ${name} or a custom domain name must be given.`)
}

function isServerless(operation: EmulatedOperation): boolean {
  return operation === 'GetCredentials' || operation === 'GetWorkgroup'
}
