import { partitionOf } from '../../partitions.js'
import type { Settings } from '../settings.js'
import type { Target } from '../targets.js'
import { AwsError } from './errors.js'
import { findTarget, notFound, type OperationCall } from './operation-call.js'
import type { Fields } from './wire.js'

/** The clusters of the caller's region, or the one that is named: where they are, as far as anybody asks. They have no tags. */
export function describeClusters(call: OperationCall, settings: Settings, port: number, isCreating: boolean): Fields {
  const { parameters } = call
  const wanted = parameters.text('ClusterIdentifier')
  const clusters = clustersOf(call, settings).filter(({ name }) => (wanted ?? name) === name)
  if (wanted !== undefined && clusters.length === 0) throw notFound(call)
  const isTagged = parameters.list('TagKeys').length + parameters.list('TagValues').length > 0
  const [database] = settings.databases
  return {
    Clusters: {
      Cluster: (isTagged ? [] : clusters).map(cluster => describeCluster(cluster, { database, port, isCreating })),
    },
  }
}

/** The custom domain names of the caller's region, or the one that is named. */
export function describeCustomDomains(call: OperationCall, settings: Settings): Fields {
  const wanted = call.parameters.text('CustomDomainName')
  const found = clustersOf(call, settings).flatMap(({ name, account, region, customDomains }) =>
    customDomains
      .filter(domain => (wanted ?? domain) === domain)
      .map(domain => ({
        CustomDomainCertificateArn: `arn:aws:acm:${region}:${account}:certificate/00000000-0000-0000-0000-000000000000`,
        CustomDomainCertificateExpiryDate: new Date(call.now + 365 * 86_400_000),
        CertificateAssociations: { CertificateAssociation: [{ CustomDomainName: domain, ClusterIdentifier: name }] },
      })),
  )
  if (wanted !== undefined && found.length === 0) {
    throw new AwsError('domainNotFound', `The custom domain name ${wanted} is not associated with a cluster.`)
  }
  return { Associations: { Association: found } }
}

function clustersOf({ region }: OperationCall, { targets }: Settings): Target[] {
  return targets.all.filter(target => target.kind === 'provisioned' && target.region === region)
}

/** AWS leaves the key `Endpoint` out while a cluster is being created. */
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

/** The workgroup that is named. */
export function describeWorkgroup(call: OperationCall, port: number, isCreating: boolean): Fields {
  call.parameters.required('workgroupName')
  const { name, region, account, hosts, customDomains } = findTarget(call)
  const [customDomain] = customDomains
  return {
    workgroup: {
      workgroupName: name,
      workgroupArn: `arn:${partitionOf(region).id}:redshift-serverless:${region}:${account}:workgroup/${name}`,
      namespaceName: 'default',
      status: isCreating ? 'CREATING' : 'AVAILABLE',
      port,
      ...(!isCreating && { endpoint: { address: hosts[0], port } }),
      ...(customDomain !== undefined && { customDomainName: customDomain }),
    },
  }
}
