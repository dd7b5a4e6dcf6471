import type { ClusterCredentials, ClusterExtendedCredentials, ClustersMessage } from '@aws-sdk/client-redshift'
import type { FetchContext, FetchedLogin } from '../fetch-context.js'
import type { CredentialRequest } from '../request.js'
import { describeCall, describeLookUp } from './call-description.js'
import type { AwsClients } from './client.js'
import { loadRedshift } from './load-sdk.js'
import { checkEndpoint, checkLogin } from './response.js'
import type { Service } from './sdk-clients.js'

export type RedshiftSdk = Awaited<ReturnType<typeof loadRedshift>>

export const redshift: Service<RedshiftSdk> = {
  serviceId: 'Redshift',
  load: loadRedshift,
  create: (sdk, config) => new sdk.RedshiftClient(config),
}

/**
 * Fetches a login for a provisioned cluster.
 * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
 * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentialsWithIAM.html
 */
export async function fetchProvisioned(
  clients: AwsClients,
  request: Extract<CredentialRequest, { api: 'GetClusterCredentials' | 'GetClusterCredentialsWithIAM' }>,
  context: FetchContext,
): Promise<FetchedLogin> {
  const call = describeCall(request)
  const input = {
    ClusterIdentifier: request.clusterIdentifier,
    CustomDomainName: request.customDomainName,
    DbName: request.dbName,
    DurationSeconds: request.durationSeconds,
  }
  const { output, serverTime, sentAt } = await clients.send<
    RedshiftSdk,
    ClusterCredentials & ClusterExtendedCredentials
  >(
    redshift,
    request.region,
    call,
    sdk =>
      request.api === 'GetClusterCredentials'
        ? new sdk.GetClusterCredentialsCommand({
            ...input,
            DbUser: request.dbUser,
            DbGroups: request.dbGroups.length > 0 ? [...request.dbGroups] : undefined,
            AutoCreate: request.autoCreate,
          })
        : new sdk.GetClusterCredentialsWithIAMCommand(input),
    context,
  )
  return {
    ...checkLogin(call, {
      user: output.DbUser,
      password: output.DbPassword,
      expiration: output.Expiration,
      nextRefreshTime: output.NextRefreshTime,
    }),
    serverTime,
    sentAt,
  }
}

/**
 * Looks up the address of a cluster.
 * @see https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html
 */
export async function lookUpCluster(
  clients: AwsClients,
  request: CredentialRequest,
  name: string,
  context: FetchContext,
) {
  const call = describeLookUp(request)
  const { output } = await clients.send<RedshiftSdk, ClustersMessage>(
    redshift,
    request.region,
    call,
    sdk => new sdk.DescribeClustersCommand({ ClusterIdentifier: name }),
    context,
  )
  const endpoint = output.Clusters?.[0]?.Endpoint
  return checkEndpoint(call, endpoint?.Address, endpoint?.Port)
}
