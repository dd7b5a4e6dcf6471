import type { RedshiftErrorCode } from '../errors.js'
import { serverlessWorkgroup } from '../identifiers.js'
import { TOKEN_API } from '../identity-provider.js'
import { partitionOf } from '../partitions.js'
import { type CredentialRequest, targetOf, workgroupOf } from '../request.js'

/** What failed, and the remedy. AWS's own message is appended to the problem unless it ends with a full stop. */
export type Diagnosis = readonly [code: RedshiftErrorCode, problem: string, remedy: string]

/** A call of AWS, as described in error messages. */
export interface CallDescription {
  /** The IAM action: `redshift:GetClusterCredentials`. */
  readonly action: string
  /** The target of the call: `cluster "x"`. */
  readonly target: string
  readonly region: string | undefined
  /** The ARNs that the policy must allow, used if AWS's message contains none. */
  readonly resources: readonly string[]
  /** Whether it requests a token rather than a login. */
  readonly forToken?: boolean
  /** An alternative remedy if the policy denies the call. */
  readonly alternative?: string
  /** What else the name may be, if AWS does not know it. */
  readonly otherKind?: string
}

const arnOf = (service: string, region: string | undefined, resource: string): string =>
  `arn:${partitionOf(region ?? '').id}:${service}:${region ?? '<region>'}:<account>:${resource}`

const IF_WORKGROUP = 'set workgroupName if it is a serverless workgroup'

/** Describes the call that fetches a login. */
export function describeCall(request: CredentialRequest): CallDescription {
  const { region, dbName } = request
  const name = targetOf(request)
  if (request.api === TOKEN_API) return describeTokenCall(request)
  if (request.api === 'identityProvider')
    return { action: 'identityProvider.token', target: name, region, resources: [], forToken: true }
  const { api } = request
  if (api === 'GetCredentials')
    return {
      action: `redshift-serverless:${api}`,
      target: `workgroup ${JSON.stringify(name)}`,
      region,
      resources: [arnOf('redshift-serverless', region, 'workgroup/<workgroup id>')],
    }
  const cluster = request.clusterIdentifier ?? '<cluster>'
  const database = arnOf('redshift', region, `dbname:${cluster}/${dbName ?? '*'}`)
  return {
    action: `redshift:${api}`,
    target: `cluster ${JSON.stringify(name)}`,
    region,
    ...(serverlessWorkgroup(name) === undefined && { otherKind: IF_WORKGROUP }),
    resources:
      api === 'GetClusterCredentials'
        ? [arnOf('redshift', region, `dbuser:${cluster}/${request.dbUser}`), database]
        : [database],
  }
}

function describeTokenCall({
  api,
  kind,
  name,
  region,
}: Extract<CredentialRequest, { api: typeof TOKEN_API }>): CallDescription {
  const serverless = kind === 'serverless'
  const service = serverless ? 'redshift-serverless' : 'redshift'
  return {
    action: `${service}:${api}`,
    target: `${serverless ? 'workgroup' : 'cluster'} ${JSON.stringify(name)}`,
    region,
    resources: [arnOf(service, region, serverless ? 'workgroup/<workgroup id>' : `cluster:${name}`)],
    forToken: true,
    alternative: 'use AWS credentials of the role that the person assumes',
  }
}

/** Describes the call that looks up an address. */
export function describeLookUp(request: CredentialRequest): CallDescription {
  const { region } = request
  const name = targetOf(request)
  const workgroup = workgroupOf(request)
  const alternative = 'set host, so that no look-up is needed'
  return workgroup === undefined
    ? {
        action: 'redshift:DescribeClusters',
        target: `cluster ${JSON.stringify(name)}`,
        region,
        otherKind: IF_WORKGROUP,
        resources: [arnOf('redshift', region, `cluster:${name}`)],
        alternative,
      }
    : {
        action: 'redshift-serverless:GetWorkgroup',
        target: `workgroup ${JSON.stringify(workgroup)}`,
        region,
        resources: [arnOf('redshift-serverless', region, 'workgroup/<workgroup id>')],
        alternative,
      }
}
