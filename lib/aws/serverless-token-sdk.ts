// Named exports, so that bundlers leave out the rest of the SDK. In Node.js it is undefined if the installed SDK lacks it.
export { GetIdentityCenterAuthTokenCommand } from '@aws-sdk/client-redshift-serverless'
