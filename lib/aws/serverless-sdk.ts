// Named exports of what we use, so that bundlers leave out the rest of the SDK.
export {
  GetCredentialsCommand,
  GetWorkgroupCommand,
  RedshiftServerlessClient,
} from '@aws-sdk/client-redshift-serverless'
