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
  /** Whether it looks up an address. */
  readonly isLookUp?: boolean
  /** An alternative remedy if the policy denies the call. */
  readonly alternative?: string
  /** What else the name may be, if AWS does not know it. */
  readonly otherKind?: string
}

const arnOf = (service: string, region: string | undefined, resource: string): string =>
  `arn:${partitionOf(region ?? '').id}:${service}:${region ?? '<region>'}:<account>:${resource}`

const IF_WORKGROUP = 'set workgroupName if it is a serverless workgroup'

/** The cluster or workgroup of a request as messages name it, its service, and the ARN that a policy must allow. */
function describeTarget(request: CredentialRequest) {
  const { region } = request
  const workgroup = workgroupOf(request)
  if (workgroup !== undefined) {
    const service = 'redshift-serverless'
    const arn = arnOf(service, region, 'workgroup/<workgroup id>')
    return { isWorkgroup: true, service, target: `workgroup ${JSON.stringify(workgroup)}`, arn }
  }
  const name = targetOf(request)
  const service = 'redshift'
  return {
    isWorkgroup: false,
    service,
    target: `cluster ${JSON.stringify(name)}`,
    arn: arnOf(service, region, `cluster:${name}`),
  }
}

/** Describes the call that fetches a login. */
export function describeCall(request: CredentialRequest): CallDescription {
  const { region, dbName } = request
  const name = targetOf(request)
  if (request.api === 'identityProvider')
    return { action: 'identityProvider.token', target: name, region, resources: [], forToken: true }
  const { api } = request
  if (api === TOKEN_API || api === 'GetCredentials') {
    const { service, target, arn } = describeTarget(request)
    return {
      action: `${service}:${api}`,
      target,
      region,
      resources: [arn],
      ...(api === TOKEN_API && {
        forToken: true,
        alternative: 'use AWS credentials of the role that the person assumes',
      }),
    }
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

/** Describes the call that looks up an address. */
export function describeLookUp(request: CredentialRequest): CallDescription {
  const { isWorkgroup, service, target, arn } = describeTarget(request)
  return {
    action: `${service}:${isWorkgroup ? 'GetWorkgroup' : 'DescribeClusters'}`,
    target,
    region: request.region,
    resources: [arn],
    isLookUp: true,
    alternative: 'set host, so that no look-up is needed',
    ...(!isWorkgroup && { otherKind: IF_WORKGROUP }),
  }
}
