// Only what is used, by name: bundlers leave the rest of the SDK out.
export {
  GetCredentialsCommand,
  GetIdentityCenterAuthTokenCommand,
  GetWorkgroupCommand,
  RedshiftServerlessClient,
} from '@aws-sdk/client-redshift-serverless'
