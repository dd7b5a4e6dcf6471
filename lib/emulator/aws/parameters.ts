import { isName, isReservedWord } from '../../identifiers.js'
import type { EmulatedOperation } from '../records.js'
import type { Target, Targets } from '../targets.js'
import { AwsError } from './errors.js'

/** The parameters of a request, validated as AWS does. The first letter of a name is upper case in one API, lower case in the other. */
export class Parameters {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #region: string | undefined
  readonly #targets: Targets

  constructor(values: Readonly<Record<string, unknown>>, region: string | undefined, targets: Targets) {
    this.#values = values
    this.#region = region
    this.#targets = targets
  }

  string(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }

  required(name: string): string {
    const value = this.string(name)
    if (value === undefined) throw invalid(null, name, 'Member must not be null')
    return value
  }

  boolean(name: string): boolean {
    return this.#values[name] === true
  }

  user(): string {
    const user = this.required('DbUser')
    checkName(user, 'DbUser')
    if (user.toUpperCase() === 'PUBLIC') throw invalid(user, 'DbUser', reservedWord)
    return user
  }

  /** AWS documents no rule for the database of `GetClusterCredentialsWithIAM`. */
  database(operation: EmulatedOperation): string | undefined {
    if (operation === 'GetClusterCredentialsWithIAM') return this.string('DbName')
    const parameter = operation === 'GetCredentials' ? 'dbName' : 'DbName'
    const database = this.string(parameter)
    if (database !== undefined) checkName(database, parameter)
    return database
  }

  groups(): string[] {
    const groups = this.list('DbGroups')
    for (const group of groups) {
      if (group !== group.toLowerCase()) throw invalid(group, 'dbGroups', 'Member must be in lower case')
      checkName(group, 'dbGroups')
    }
    return groups
  }

  durationSeconds(name: 'DurationSeconds' | 'durationSeconds'): number {
    const value = this.#values[name] ?? 900
    if (typeof value !== 'number' || !Number.isInteger(value))
      throw invalid(value, name, 'Member must be a whole number')
    // Unverified: this message and code come from another emulator, not from a transcript.
    if (value < 900 || value > 3600) {
      throw new AwsError('invalidDuration', 'Token duration must be between 900 and 3600 seconds')
    }
    return value
  }

  /** The cluster or workgroup that the request names, by its name or custom domain name. Undefined if it does not exist. */
  target(): Target | undefined {
    const domain = this.#domain()
    const [cluster] = this.list('ClusterIds')
    if (cluster !== undefined) return this.#cluster(cluster)
    const name = this.string('ClusterIdentifier') ?? this.string('workgroupName') ?? this.list('workgroupNames')[0]
    const byDomain = domain === undefined ? undefined : this.#targets.byCustomDomain(domain)
    if (name === undefined)
      return byDomain && byDomain.region === this.#region && this.#isOfApi(byDomain) ? byDomain : undefined
    const byName = this.string('ClusterIdentifier') === undefined ? this.#find('serverless', name) : this.#cluster(name)
    return domain === undefined || byDomain === byName ? byName : undefined
  }

  /** Whether the request names a custom domain that belongs to no cluster or workgroup, or alone to one of the other API. */
  hasUnknownDomain(): boolean {
    const domain = this.#domain()
    if (domain === undefined) return false
    const target = this.#targets.byCustomDomain(domain)
    return !target || (this.targetName() === domain && !this.#isOfApi(target))
  }

  /** Each API has custom domains of its own. The parameters of serverless begin with a lower-case letter. */
  #isOfApi({ kind }: Target): boolean {
    return kind === (this.string('customDomainName') === undefined ? 'provisioned' : 'serverless')
  }

  /** The items of a list; empty if the request has none. */
  list(name: string): string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** The clusters or workgroups that a token is valid for, 1 to 20. Undefined if one of them does not exist. */
  targets(name: 'ClusterIds' | 'workgroupNames'): Target[] | undefined {
    const names = this.list(name)
    if (names.length < 1 || names.length > 20) throw invalid(names, name, 'Member must have length between 1 and 20')
    const targets = names.map(target =>
      name === 'ClusterIds' ? this.#cluster(target) : this.#find('serverless', target),
    )
    return targets.every(target => target !== undefined) ? targets : undefined
  }

  /** The name that the request uses for its cluster or workgroup; empty if there is none. */
  targetName(): string {
    const parameters = ['ClusterIdentifier', 'workgroupName', 'CustomDomainName', 'customDomainName']
    const name = parameters.map(name => this.string(name)).find(name => name !== undefined)
    return name ?? [...this.list('ClusterIds'), ...this.list('workgroupNames')].join(', ')
  }

  namesTarget(): boolean {
    return this.targetName() !== ''
  }

  #domain(): string | undefined {
    return this.string('CustomDomainName') ?? this.string('customDomainName')
  }

  /** A workgroup has a cluster identifier too: AWS's drivers use it to log in as a chosen user. */
  #cluster(identifier: string): Target | undefined {
    const workgroup = /^redshift-serverless-(.+)$/.exec(identifier)?.[1]
    return workgroup === undefined ? this.#find('provisioned', identifier) : this.#find('serverless', workgroup)
  }

  #find(kind: Target['kind'], name: string): Target | undefined {
    return this.#targets.byName(kind, name, this.#region)
  }
}

const reservedWord = 'Member must not be a reserved word'

function checkName(value: string, parameter: string): void {
  if (isReservedWord(value)) throw invalid(value, parameter, reservedWord)
  if (!isName(value))
    throw invalid(value, parameter, 'Member must satisfy regular expression pattern: [a-zA-Z][a-zA-Z0-9_+.@-]*')
}

function invalid(value: unknown, name: string, constraint: string): AwsError {
  const member = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const shown = value === null ? 'null' : `'${value}'`
  return new AwsError(
    'validation',
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
