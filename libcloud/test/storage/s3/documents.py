# SPDX-License-Identifier: Apache-2.0
"""Answers as S3 and other servers write them, for the tests of the readers."""

from __future__ import annotations

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_XMLNS = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

CREATE = (
    _HEAD
    + f"""<InitiateMultipartUploadResult{_XMLNS}>
  <Bucket>b</Bucket><Key>k</Key><UploadId>VXBsb2FkIElE</UploadId>
</InitiateMultipartUploadResult>"""
)

COMPLETE = (
    _HEAD
    + f"""<CompleteMultipartUploadResult{_XMLNS}>
  <Location>https://b.s3.amazonaws.com/k</Location><Bucket>b</Bucket><Key>k</Key>
  <ETag>&quot;3858f62230ac3c915f300c664312c11f-9&quot;</ETag>
  <ChecksumCRC32>NSRBwg==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>
</CompleteMultipartUploadResult>"""
)

UPLOADS = (
    _HEAD
    + f"""<ListMultipartUploadsResult{_XMLNS}>
  <Bucket>b</Bucket><KeyMarker/><UploadIdMarker/>
  <NextKeyMarker>my+movie%2B.m2ts</NextKeyMarker><NextUploadIdMarker>U2</NextUploadIdMarker>
  <EncodingType>url</EncodingType><MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
  <Upload><Key>my%20divisor</Key><UploadId>U1</UploadId>
    <Initiator><ID>arn:aws:iam::1:user/x</ID><DisplayName>x</DisplayName></Initiator>
    <Owner><ID>75aa57</ID><DisplayName>owner</DisplayName></Owner>
    <StorageClass>STANDARD</StorageClass><Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>
  <Upload><Key>my+movie%2B.m2ts</Key><UploadId>U2</UploadId>
    <Initiator><ID>b1d167</ID></Initiator><Owner><ID>b1d167</ID></Owner>
    <StorageClass>STANDARD</StorageClass><Initiated>2010-11-10T20:49:33.000Z</Initiated></Upload>
  <CommonPrefixes><Prefix>dir+one/</Prefix></CommonPrefixes>
</ListMultipartUploadsResult>"""
)

PARTS = (
    _HEAD
    + f"""<ListPartsResult{_XMLNS}>
  <Bucket>b</Bucket><Key>k</Key><UploadId>U1</UploadId><StorageClass>STANDARD</StorageClass>
  <PartNumberMarker>1</PartNumberMarker><NextPartNumberMarker>3</NextPartNumberMarker>
  <MaxParts>2</MaxParts><IsTruncated>true</IsTruncated><ChecksumAlgorithm>CRC32</ChecksumAlgorithm>
  <Part><PartNumber>2</PartNumber><LastModified>2010-11-10T20:48:34.000Z</LastModified>
    <ETag>&quot;7778aef83f66abc1fa1e8477f296d394&quot;</ETag><Size>10485760</Size>
    <ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>
  <Part><PartNumber>3</PartNumber><LastModified>2010-11-10T20:48:33.000Z</LastModified>
    <ETag>&quot;aaaa18db4cc2f85cedef654fccc4a4x8&quot;</ETag><Size>10485760</Size></Part>
</ListPartsResult>"""
)

OBJECTS = (
    _HEAD
    + f"""<ListBucketResult{_XMLNS}>
  <Name>b</Name><Prefix/><Marker/><MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated>
  <EncodingType>url</EncodingType>
  <NextContinuationToken>1ueGcxLPRx1Tr%2BXYExHnhbYLgveDs2J</NextContinuationToken>
  <Contents><Key>a+b%2Bc%2520%01</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>
    <StorageClass>STANDARD</StorageClass>
    <Owner><ID>75aa57</ID><DisplayName>owner</DisplayName></Owner></Contents>
  <Contents><Key>%C3%BC</Key><LastModified>2009-10-12T17:50:31.000Z</LastModified>
    <ETag>&quot;fba9dede5f27731c9771645a39863329&quot;</ETag><Size>0</Size>
    <StorageClass>STANDARD</StorageClass></Contents>
  <CommonPrefixes><Prefix>dir+one/</Prefix></CommonPrefixes>
</ListBucketResult>"""
)

BUCKETS = (
    _HEAD
    + f"""<ListAllMyBucketsResult{_XMLNS}>
  <Owner><ID>bcaf1f</ID><DisplayName>webfile</DisplayName></Owner>
  <Buckets>
    <Bucket><Name>quotes</Name><CreationDate>2006-02-03T16:45:09.000Z</CreationDate></Bucket>
    <Bucket><Name>samples</Name><CreationDate>2006-02-03T16:41:58.000Z</CreationDate></Bucket>
  </Buckets>
</ListAllMyBucketsResult>"""
)

ERROR = (
    _HEAD
    + """<Error>
  <Code>SignatureDoesNotMatch</Code>
  <Message>The request signature we calculated does not match.</Message>
  <AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId>
  <StringToSign>AWS4-HMAC-SHA256 20130524T000000Z 20130524/us-east-1/s3</StringToSign>
  <SignatureProvided>f0e8bdb87c964420e857bd35b5d6ed310bd44f01</SignatureProvided>
  <StringToSignBytes>41 57 53</StringToSignBytes>
  <CanonicalRequest>GET / x-amz-security-token:SESSIONTOKEN</CanonicalRequest>
  <RequestId>4442587FB7D0A2F9</RequestId><HostId>Uuag1LuByRx9e6j5Onimru9</HostId>
</Error>"""
)

ALL = (CREATE, COMPLETE, UPLOADS, PARTS, OBJECTS, BUCKETS, ERROR)


def plain(document: str) -> str:
    """``document`` without its namespace."""
    return document.replace(_XMLNS, "")
