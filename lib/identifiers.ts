import { optionError, quoted } from './errors.js'

// https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `AES128 AES256 ALL ALLOWOVERWRITE ANALYSE ANALYZE AND ANY ARRAY AS ASC AUTHORIZATION AZ64 BACKUP BETWEEN BINARY BLANKSASNULL
  BOTH BYTEDICT BZIP2 CASE CAST CHECK COLLATE COLUMN CONSTRAINT CREATE CREDENTIALS CROSS CURRENT_DATE CURRENT_TIME
  CURRENT_TIMESTAMP CURRENT_USER CURRENT_USER_ID DEFAULT DEFERRABLE DEFLATE DEFRAG DELTA DELTA32K DESC DISABLE DISTINCT DO ELSE
  EMPTYASNULL ENABLE ENCODE ENCRYPT ENCRYPTION END EXCEPT EXPLICIT FALSE FOR FOREIGN FREEZE FROM FULL GLOBALDICT256
  GLOBALDICT64K GRANT GROUP GZIP HAVING IDENTITY IGNORE ILIKE IN INITIALLY INNER INTERSECT INTERVAL INTO IS ISNULL JOIN LEADING
  LEFT LIKE LIMIT LOCALTIME LOCALTIMESTAMP LUN LUNS LZO LZOP MINUS MOSTLY16 MOSTLY32 MOSTLY8 NATURAL NEW NOT NOTNULL NULL NULLS
  OFF OFFLINE OFFSET OID OLD ON ONLY OPEN OR ORDER OUTER OVERLAPS PARALLEL PARTITION PERCENT PERMISSIONS PIVOT PLACING PRIMARY
  RAW READRATIO RECOVER REFERENCES REJECTLOG RESORT RESPECT RESTORE RIGHT SELECT SESSION_USER SIMILAR SNAPSHOT SOME SYSDATE
  SYSTEM TABLE TAG TDES TEXT255 TEXT32K THEN TIMESTAMP TO TOP TRAILING TRUE TRUNCATECOLUMNS UNION UNIQUE UNNEST UNPIVOT USER
  USING VERBOSE WALLET WHEN WHERE WITH WITHOUT`.split(/\s+/),
)

const NAME_RULE = '1 to 64 letters, digits, _ + . @ or -, starting with a letter, and not a reserved word'
const CLUSTER_RULE =
  '1 to 63 lowercase letters, digits or hyphens, starting with a letter, without a hyphen at the end or two in a row'
const WORKGROUP_RULE = '3 to 64 lowercase letters, digits or hyphens'

const SERVERLESS_CLUSTER_PREFIX = 'redshift-serverless-'

/** The cluster identifier of a serverless workgroup in `GetClusterCredentials`. */
export const serverlessClusterIdentifier = (workgroupName: string): string =>
  `${SERVERLESS_CLUSTER_PREFIX}${workgroupName}`

/** The workgroup of such a cluster identifier; undefined for a provisioned cluster. */
export const serverlessWorkgroup = (clusterIdentifier: string): string | undefined =>
  clusterIdentifier.startsWith(SERVERLESS_CLUSTER_PREFIX)
    ? clusterIdentifier.slice(SERVERLESS_CLUSTER_PREFIX.length)
    : undefined

/** A connection's user name in parts. `IAMA:alice:analysts` is the user alice, created if missing, in the group analysts. */
export interface IamUser {
  readonly prefix: 'IAM' | 'IAMA' | 'IAMR' | undefined
  readonly name: string
  readonly groups: readonly string[]
}

/** Whether a user name has the prefix of an IAM login. Does not parse the name, because it runs for every connection. */
export const isIamUser = (user: string): boolean => /^IAM[AR]?:/.test(user)

/** Parses the user name of a login. A name without a prefix is the database user itself. */
export function parseIamUser(user: string): IamUser {
  const match = /^(IAM[AR]?):([^:]*)(?::(.*))?$/s.exec(user)
  if (!match) return { prefix: undefined, name: user, groups: [] }
  return {
    prefix: match[1] as 'IAM' | 'IAMA' | 'IAMR',
    name: match[2] ?? '',
    groups: match[3] ? match[3].split(',') : [],
  }
}

export const isReservedWord = (value: string): boolean => RESERVED_WORDS.has(value.toUpperCase())

/** AWS's rule for the names of users, groups and databases. */
export const isName = (value: string): boolean =>
  /^[A-Za-z][A-Za-z0-9_+.@-]{0,63}$/.test(value) && !isReservedWord(value)

const isWorkgroupName = (value: string): boolean => /^[a-z0-9-]{3,64}$/.test(value)

function requireString(option: string, value: unknown, rule: string): asserts value is string {
  if (typeof value !== 'string') throw optionError(`${option} is ${quoted(value)}, not a string. Set it to ${rule}.`)
}

function refuse(option: string, value: string, rule: string, remedy: string): never {
  throw optionError(`${option} ${quoted(value)} is not valid: it must be ${rule}. ${remedy}`)
}

/** Checks a database name. Throws `ERR_REDSHIFT_OPTION`. */
export function checkDatabaseName(option: string, value: unknown): asserts value is string {
  requireString(option, value, NAME_RULE)
  if (!isName(value))
    refuse(
      option,
      value,
      NAME_RULE,
      `Set ${option} to the name in the console, or set dbName: null for a login that is valid for every database.`,
    )
}

/** Checks the name of a database user, without the prefix `IAM:` that AWS adds. Throws `ERR_REDSHIFT_OPTION`. */
export function checkUserName(option: string, value: unknown): asserts value is string {
  requireString(option, value, NAME_RULE)
  if (value.toUpperCase() === 'PUBLIC')
    refuse(option, value, `${NAME_RULE} or PUBLIC`, `Set ${option} to the name of one user.`)
  if (isName(value)) return
  refuse(option, value, NAME_RULE, userRemedy(option, value))
}

/** The remedy for a bad user name. If it has a prefix, names the options that replace the prefix. */
function userRemedy(option: string, value: string): string {
  const { prefix, name, groups } = parseIamUser(value)
  switch (prefix) {
    case 'IAMR':
      return `This is a role: leave ${option} out, and use the AWS credentials of that role.`
    case 'IAMA':
      return `Set ${option} to ${quoted(name)} and autoCreate to true${groups.length > 0 ? ', and put the group in dbGroups' : ''}: AWS adds the prefix.`
    case 'IAM':
      return `Set ${option} to ${quoted(name)}: AWS adds the prefix.`
    default:
      return `Set ${option} to the name of a database user.`
  }
}

/** Checks the name of a database group: the rule for users, in lowercase. Throws `ERR_REDSHIFT_OPTION`. */
export function checkGroupName(option: string, value: unknown): asserts value is string {
  const rule = NAME_RULE.replace('letters', 'lowercase letters')
  requireString(option, value, rule)
  if (!isName(value) || value !== value.toLowerCase())
    refuse(option, value, rule, 'Write it in lowercase, as Redshift stores the names of groups.')
}

/** Checks a cluster identifier. Throws `ERR_REDSHIFT_OPTION`. */
export function checkClusterIdentifier(option: string, value: unknown): asserts value is string {
  requireString(option, value, CLUSTER_RULE)
  const workgroup = serverlessWorkgroup(value)
  if (workgroup === undefined ? /^(?=.{1,63}$)[a-z](-?[a-z0-9])*$/.test(value) : isWorkgroupName(workgroup)) return
  const rule =
    workgroup === undefined ? CLUSTER_RULE : `${SERVERLESS_CLUSTER_PREFIX} and a workgroup name of ${WORKGROUP_RULE}`
  refuse(option, value, rule, `Set ${option} to the first part of the cluster endpoint.`)
}

/** Checks a serverless workgroup's name. Throws `ERR_REDSHIFT_OPTION`. */
export function checkWorkgroupName(option: string, value: unknown): asserts value is string {
  requireString(option, value, WORKGROUP_RULE)
  if (!isWorkgroupName(value))
    refuse(option, value, WORKGROUP_RULE, `Set ${option} to the first part of the workgroup endpoint.`)
}

/** Checks the form of a region. Throws `ERR_REDSHIFT_OPTION`. */
export function checkRegion(option: string, value: unknown): asserts value is string {
  const rule = 'a region code such as us-west-2'
  requireString(option, value, rule)
  if (!/^(?=.{1,63}$)[a-z]{2,}(-[a-z]+)+-\d+$/.test(value))
    refuse(option, value, rule, `Set ${option} to the code in the console, or set AWS_REGION.`)
}

/** Checks the form of a custom domain name. Throws `ERR_REDSHIFT_OPTION`. */
export function checkDomainName(option: string, value: unknown): asserts value is string {
  const rule = 'a host name without port or scheme'
  requireString(option, value, rule)
  if (!/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i.test(value))
    refuse(option, value, rule, `Set ${option} to the name that is associated with the cluster or workgroup.`)
}

/** Checks that a value is an integer within bounds, both included. Throws `ERR_REDSHIFT_OPTION`. */
export function checkInteger(option: string, value: unknown, min: number, max: number): asserts value is number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw optionError(`${option} is ${quoted(value)}. Set it to a whole number from ${min} to ${max}, or leave it out.`)
}

/** Checks that a value is a boolean. A string from the environment is not. Throws `ERR_REDSHIFT_OPTION`. */
export function checkBoolean(option: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw optionError(`${option} is ${quoted(value)}. Set it to true or false.`)
}
