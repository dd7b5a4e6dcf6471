import { partitionOf } from '../../partitions.js'
import type { Settings } from '../settings.js'
import type { Target } from '../targets.js'
import { findTarget, notFound, type OperationCall } from './operation-call.js'
import type { Fields } from './wire.js'

/** The clusters of the caller's region, or the one that is named: where they are, as far as anybody asks. */
export function describeClusters(call: OperationCall, settings: Settings, port: number): Fields {
  const wanted = call.parameters.text('ClusterIdentifier')
  const clusters = settings.targets.all.filter(({ kind, name, region }) => {
    return kind === 'provisioned' && region === call.region && (wanted ?? name) === name
  })
  if (wanted !== undefined && clusters.length === 0) throw notFound(call)
  const [database] = settings.databases
  return { Clusters: { Cluster: clusters.map(cluster => describeCluster(cluster, database, port)) } }
}

function describeCluster({ name, hosts, customDomains }: Target, database: string | undefined, port: number): Fields {
  const [customDomain] = customDomains
  return {
    ClusterIdentifier: name,
    NodeType: 'ra3.large',
    ClusterStatus: 'available',
    ClusterAvailabilityStatus: 'Available',
    MasterUsername: 'awsuser',
    DBName: database,
    Endpoint: { Address: hosts[0], Port: port },
    NumberOfNodes: 1,
    ...(customDomain !== undefined && { CustomDomainName: customDomain }),
  }
}

/** The workgroup that is named. */
export function describeWorkgroup(call: OperationCall, port: number): Fields {
  call.parameters.required('workgroupName')
  const { name, region, account, hosts, customDomains } = findTarget(call)
  const [customDomain] = customDomains
  return {
    workgroup: {
      workgroupName: name,
      workgroupArn: `arn:${partitionOf(region).id}:redshift-serverless:${region}:${account}:workgroup/${name}`,
      namespaceName: 'default',
      status: 'AVAILABLE',
      port,
      endpoint: { address: hosts[0], port },
      ...(customDomain !== undefined && { customDomainName: customDomain }),
    },
  }
}
