import { partitionOf } from '../../partitions.js'
import type { Settings } from '../settings.js'
import { type Target, workgroupId } from '../targets.js'
import { AwsError } from './errors.js'
import { notFound, type OperationRequest, requireTarget } from './operation-request.js'
import type { Fields } from './wire.js'

/** `DescribeClusters`: the named cluster, or all of the caller's region. Only the fields that clients read. Clusters have no tags. */
export function describeClusters(
  request: OperationRequest,
  settings: Settings,
  port: number,
  isCreating: boolean,
): Fields {
  const { parameters } = request
  const requested = parameters.string('ClusterIdentifier')
  const clusters = clustersOf(request, settings).filter(({ name }) => requested === undefined || name === requested)
  if (requested !== undefined && clusters.length === 0) throw notFound(request)
  const filtersByTag = parameters.list('TagKeys').length + parameters.list('TagValues').length > 0
  const [database] = settings.databases
  return {
    Clusters: {
      Cluster: (filtersByTag ? [] : clusters).map(cluster => describeCluster(cluster, { database, port, isCreating })),
    },
  }
}

/** `DescribeCustomDomainAssociations`: the named custom domain name, or all of the caller's region. */
export function describeCustomDomains(request: OperationRequest, settings: Settings): Fields {
  const requested = request.parameters.string('CustomDomainName')
  const found = clustersOf(request, settings).flatMap(({ name, account, region, customDomains }) =>
    customDomains
      .filter(domain => requested === undefined || domain === requested)
      .map(domain => ({
        CustomDomainCertificateArn: `arn:${partitionOf(region).id}:acm:${region}:${account}:certificate/00000000-0000-0000-0000-000000000000`,
        CustomDomainCertificateExpiryDate: new Date(request.now + 365 * 86_400_000),
        CertificateAssociations: { CertificateAssociation: [{ CustomDomainName: domain, ClusterIdentifier: name }] },
      })),
  )
  if (requested !== undefined && found.length === 0) {
    throw new AwsError('domainNotFound', `The custom domain name ${requested} is not associated with a cluster.`)
  }
  return { Associations: { Association: found } }
}

function clustersOf({ region }: OperationRequest, { targets }: Settings): Target[] {
  return targets.all.filter(target => target.kind === 'provisioned' && target.region === region)
}

/** AWS omits `Endpoint` while a cluster is being created. */
function describeCluster(
  { name, hosts, customDomains }: Target,
  { database, port, isCreating }: { database: string | undefined; port: number; isCreating: boolean },
): Fields {
  const [customDomain] = customDomains
  return {
    ClusterIdentifier: name,
    NodeType: 'ra3.large',
    ClusterStatus: isCreating ? 'creating' : 'available',
    ClusterAvailabilityStatus: isCreating ? 'Modifying' : 'Available',
    MasterUsername: 'awsuser',
    DBName: database,
    ...(!isCreating && { Endpoint: { Address: hosts[0], Port: port } }),
    NumberOfNodes: 1,
    ...(customDomain !== undefined && { CustomDomainName: customDomain }),
  }
}

/** `GetWorkgroup`: the named workgroup. */
export function describeWorkgroup(request: OperationRequest, port: number, isCreating: boolean): Fields {
  request.parameters.required('workgroupName')
  const target = requireTarget(request)
  const { name, region, account, hosts, customDomains } = target
  const [customDomain] = customDomains
  const id = workgroupId(target)
  return {
    workgroup: {
      workgroupId: id,
      workgroupName: name,
      workgroupArn: `arn:${partitionOf(region).id}:redshift-serverless:${region}:${account}:workgroup/${id}`,
      namespaceName: 'default',
      status: isCreating ? 'CREATING' : 'AVAILABLE',
      port,
      ...(!isCreating && { endpoint: { address: hosts[0], port } }),
      ...(customDomain !== undefined && { customDomainName: customDomain }),
    },
  }
}
