{{/* Values that contradict each other are told before anything is installed. */}}
{{- define "artgrab.check" -}}
{{- $store := .Values.store -}}{{- $embedded := .Values.objectStore.embedded -}}
{{- if and (not $store.uri) (not $embedded.enabled) -}}
{{- fail "there is no store: set store.uri to s3://BUCKET/PREFIX, or objectStore.embedded.enabled=true to try artgrab" -}}
{{- end -}}
{{- if $embedded.enabled -}}
{{- range $key := list "uri" "existingSecret" "endpoint" -}}
{{- if get $store $key -}}
{{- fail (printf "store.%s is set and objectStore.embedded.enabled as well: leave one of them out" $key) -}}
{{- end -}}
{{- end -}}
{{- if ne (empty $embedded.accessKey) (empty $embedded.secretKey) -}}
{{- fail "objectStore.embedded.accessKey and secretKey belong together: set both or neither" -}}
{{- end -}}
{{- if and $embedded.existingSecret $embedded.accessKey -}}
{{- fail "objectStore.embedded.existingSecret and accessKey are both set: leave one of them out" -}}
{{- end -}}
{{- else if not (or $store.existingSecret .Values.downloader.serviceAccount.annotations $store.env) -}}
{{- fail "the store has no credentials: set store.existingSecret, or downloader.serviceAccount.annotations for workload identity (with EKS Pod Identity, which needs none, say store.env.AWS_ROLE_SESSION_NAME=artgrab)" -}}
{{- end -}}
{{- $scaling := .Values.downloader.autoscaling -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- fail "downloader.autoscaling.minReplicas is more than maxReplicas" -}}
{{- end -}}
{{- if and .Values.networkPolicies.namespaces .Values.watchNamespaces -}}
{{- fail "networkPolicies.namespaces is for cluster-wide installs: watchNamespaces says already which namespaces get the policies" -}}
{{- end -}}
{{- end -}}
