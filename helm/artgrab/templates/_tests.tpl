{{/* `helm test`: its objects are made for it and go when it has passed; its pod stays, for its log. */}}
{{/* Of its classifier too, whose name has 40 characters at most. */}}
{{- define "artgrab.tests.name" -}}{{ include "artgrab.fullname" . | trunc 35 | trimSuffix "-" }}-test{{- end -}}

{{/* Where it learns; empty where there is no test, or no namespace for it. */}}
{{- define "artgrab.tests.namespace" -}}
{{- if .Values.tests.enabled -}}
{{- .Values.tests.namespace | default (include "artgrab.learningNamespaces" . | fromJsonArray | first) | default "" -}}
{{- end -}}
{{- end -}}

{{/* Metadata of an object of a test: (list $ namespace weight). Its pod is in the release's namespace, where helm looks for logs. */}}
{{- define "artgrab.tests.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "artgrab.tests.name" $root }}
namespace: {{ index . 1 }}
labels:
  {{- include "artgrab.labels" (list $root "release-test") | nindent 2 }}
annotations:
  helm.sh/hook: test
  helm.sh/hook-weight: {{ index . 2 | quote }}
{{- end -}}
