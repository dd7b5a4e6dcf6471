// CommonJS, since Node.js 20 and 22 take half as long to require the SDK as to import it (docs/performance.md). Names that are
// written out are found by bundlers.
exports.redshift = () => require('@aws-sdk/client-redshift')
exports.redshiftServerless = () => require('@aws-sdk/client-redshift-serverless')
