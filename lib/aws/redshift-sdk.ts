// Only what is used, by name: bundlers leave the rest of the SDK out.
export {
  DescribeClustersCommand,
  GetClusterCredentialsCommand,
  GetClusterCredentialsWithIAMCommand,
  GetIdentityCenterAuthTokenCommand,
  RedshiftClient,
} from '@aws-sdk/client-redshift'
