import numpy as np
rng=np.random.default_rng(0)
def mats(a,b):
    a2,b2=a*a,b*b
    BT=np.array([[a2*b2,0,-(a2+b2),0,1,0],[0,-a*b2,-b2,a,1,0],[0,a*b2,-b2,-a,1,0],[0,-b*a2,-a2,b,1,0],[0,b*a2,-a2,-b,1,0],[0,a2*b2,0,-(a2+b2),0,1]])
    N=[a2*b2,2*a2*(a2-b2),2*a2*(a2-b2),2*b2*(b2-a2),2*b2*(b2-a2)]
    P=[0,a,-a,b,-b]
    G=np.array([[1/N[i],P[i]/N[i],P[i]**2/N[i]] for i in range(5)]+[[0,0,1]])
    AT=np.array([[p**i for p in P]+[1 if i==3 else 0] for i in range(4)],float); AT[0,0]=1
    return BT,G,AT
K,T,O=256,64,32
x=rng.standard_normal((K,T,6,6)).astype(np.float32); x=(x/(1+np.exp(-x))).astype(np.float32)
w=rng.uniform(-1,1,(O,K,3,3)).astype(np.float32)/np.float32(48)
ref=np.zeros((O,T,4,4))
for i in range(3):
    for j in range(3): ref+=np.einsum('ok,ktij->otij',w[:,:,i,j].astype(float),x[:,:,i:i+4,j:j+4].astype(float))
d=np.zeros((O,T,4,4),np.float32)
for k in range(K):
    for i in range(3):
        for j in range(3): d+=w[:,k,i,j][:,None,None,None]*x[k][None,:,i:i+4,j:j+4]
r=lambda y: np.sqrt(((y-ref)**2).mean())/np.sqrt((ref**2).mean())
print('direct',r(d))
def run(a,b):
    BT,G,AT=mats(a,b); f=np.float32
    B32,A32=BT.astype(f),AT.astype(f)
    U=np.einsum('pi,okij,qj->pqok',G,w.astype(float),G).astype(f)
    t=np.zeros(x.shape,f)
    for p in range(6):
        for i in range(6): t[:,:,p,:]+=B32[p,i]*x[:,:,i,:]
    V=np.zeros(x.shape,f)
    for p in range(6):
        for i in range(6): V[:,:,:,p]+=B32[p,i]*t[:,:,:,i]
    M=np.zeros((6,6,O,T),f)
    for k in range(K): M+=U[:,:,:,k][...,None]*V[k].transpose(1,2,0)[:,:,None,:]
    y=np.zeros((4,6,O,T),f)
    for i in range(4):
        for p in range(6): y[i]+=A32[i,p]*M[p]
    z=np.zeros((4,4,O,T),f)
    for i in range(4):
        for p in range(6): z[:,i]+=A32[i,p]*y[:,p]
    return r(z.transpose(2,3,0,1))
for a,b in [(1,2),(.5,1),(.5,1.5),(.75,1.5),(2**-.5,2**.5),(.625,1.5),(.625,1.25),(.6,1.2),(.75,1.25),(2/3,1.5),(.5,1.25),(.6,1.5),(.75,1.75),(.625,1.375),(.5625,1.25)]: print(a,b,run(a,b))
